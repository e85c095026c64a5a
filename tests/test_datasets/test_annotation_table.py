import pytest

from mmavs.datasets.annotation_table import read_table


def read(tmp_path, text, columns=('a', 'b')):
    path, refused = tmp_path / 't.csv', []
    path.write_text(text, encoding='utf-8')
    return list(read_table(str(path), columns, refuse=lambda *args, **kwargs: refused.append((args, kwargs)))), refused


def test_rows_with_their_lines_in_any_order_of_columns(tmp_path):
    rows, refused = read(tmp_path, '\ufeffb,more,a\n1,x,2\n"3\n4",y,5\n6,z,7\n')
    assert rows == [
        (2, dict(b='1', more='x', a='2')),
        (4, dict(b='3\n4', more='y', a='5')),
        (5, dict(b='6', more='z', a='7')),
    ]
    assert not refused


def test_rows_with_fewer_or_more_values_are_refused(tmp_path):
    rows, refused = read(tmp_path, 'a,b\n1\n1,2\n1,2,3\n')
    assert [number for number, _ in rows] == [3]
    assert refused == [
        (('fewer values than columns', 2), dict(kind='incomplete row')),
        (('more values than columns', 4), dict(kind='incomplete row')),
    ]


@pytest.mark.parametrize(('text', 'has'), [('a,c\n', 'a, c'), ('', 'none')])
def test_missing_columns(tmp_path, text, has):
    with pytest.raises(KeyError, match=rf't\.csv lacks the column .*b; it has {has}'):
        read(tmp_path, text)
