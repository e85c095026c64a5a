import pytest

from mmavs.datasets.annotation_table import AnnotationError, read_table


def read(tmp_path, text, columns=('a', 'b'), **options):
    path, reported = tmp_path / 't.csv', []
    path.write_text(text, encoding='utf-8')
    rows = read_table(str(path), columns, report=lambda *args, **kwargs: reported.append((args, kwargs)), **options)
    return list(rows), reported


def test_rows_with_their_lines_in_any_order_of_columns(tmp_path):
    rows, reported = read(tmp_path, '\ufeffb,more,a\n1,x,2\n"3\n4",y,5\n6,z,7\n')
    assert rows == [
        (2, dict(b='1', more='x', a='2')),
        (4, dict(b='3\n4', more='y', a='5')),
        (5, dict(b='6', more='z', a='7')),
    ]
    assert not reported


def test_rows_with_fewer_or_more_values_are_skipped(tmp_path):
    rows, reported = read(tmp_path, 'a,b\n1\n1,2\n1,2,3\n')
    assert [number for number, _ in rows] == [3]
    assert reported == [
        (('fewer values than columns', 2), dict(kind='incomplete row')),
        (('more values than columns', 4), dict(kind='incomplete row')),
    ]


@pytest.mark.parametrize(('text', 'has'), [('a,c\n', 'a, c'), ('', 'none')])
def test_missing_columns(tmp_path, text, has):
    with pytest.raises(KeyError, match=rf't\.csv has no column .*b; its columns are {has}'):
        read(tmp_path, text)


@pytest.mark.parametrize('value', ['', '  '])
def test_values_that_must_be_filled_in(tmp_path, value):
    rows, reported = read(tmp_path, f'a,b\n1,\n{value},\n', filled=('a',))
    assert [number for number, _ in rows] == [2], 'b may be empty'
    assert reported == [(('no value of a: fill it in or remove the row', 3), dict(kind='incomplete row'))]


@pytest.mark.parametrize(
    ('encoding', 'line'), [('cp1252', 1002), ('utf-16', 1)], ids=['as Excel saves CSV', 'as Excel saves Unicode']
)
def test_not_in_utf8(tmp_path, encoding, line):
    (tmp_path / 't.csv').write_bytes(('a,b\n' + '1,2\n' * 1000 + 'Säge,3\n1,2\n').encode(encoding))
    with pytest.raises(
        AnnotationError, match=rf't\.csv, line {line}: the text is not UTF-8; save the file as "CSV UTF-8"'
    ) as error:
        list(read_table(str(tmp_path / 't.csv'), 'ab', report=None))
    assert error.value.kind == 'bad annotation'


def test_unclosed_quotation_mark(tmp_path):
    with pytest.raises(AnnotationError, match=r't\.csv cannot be read as CSV: field larger .* quotation mark'):
        read(tmp_path, 'a,b\n1,"2\n' + '1,2\n' * 40_000)
