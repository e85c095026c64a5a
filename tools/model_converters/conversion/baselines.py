"""Converts released checkpoints of TPAVI and AVSegFormer; shared code of both converters."""

import argparse
import pickle
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mmengine.config import Config
from mmengine.registry import DefaultScope
from torch import Tensor

import mmavs
from mmavs.engine.runner.checkpoint_files import AtomicLocalBackend

from .configs import build_on_meta, dataset_meta
from .pvt import is_pvt, to_timm
from .reading import ConversionError, read_weights
from .renaming import Renaming, check_complete
from .writing import print_dropped, write_checkpoint

CONFIGS = Path(__file__).resolve().parents[3] / 'configs'
_AUDIO = 'audio_backbone.'


@dataclass(frozen=True)
class Method:
    """A method whose released networks can be converted.

    Attributes:
        name: Name of the method, for messages.
        renaming: New names of the entries.
        rename: Applies ``renaming``, and changes shapes where they differ.
        backbones: Prefixes of the backbone in released files.
        classifier: Entry whose first dimension is the number of outputs.
        configs: (backbone, outputs) -> configs below ``configs/``; the first is the default.
    """

    name: str
    renaming: Renaming
    rename: callable
    backbones: Sequence[str]
    classifier: str
    configs: Mapping[tuple[str, int], Sequence[str]]

    def recognize(self, state_dict: Mapping[str, Tensor]) -> tuple[str, int]:
        """Identifies the backbone (``r50`` or ``pvtv2-b5``) and the number of outputs.

        Raises:
            ConversionError: The weights are not those of this method, or no config has such a network.
        """
        if self.classifier not in state_dict:
            parts = sorted({name.split('.')[0] for name in state_dict})
            raise ConversionError(
                f'not weights of {self.name}: {self.classifier} is missing; found {", ".join(parts[:12])}'
            )
        inner = [n.removeprefix(f'{p}.') for p in self.backbones for n in state_dict if n.startswith(f'{p}.')]
        key = ('pvtv2-b5' if is_pvt(inner) else 'r50'), len(state_dict[self.classifier])
        if key not in self.configs:
            known = ', '.join(f'{backbone} with {outputs} outputs' for backbone, outputs in self.configs)
            raise ConversionError(f'no config for {self.name} with {key[0]} and {key[1]} outputs; there are {known}')
        return key

    def rename_all(self, state_dict: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], dict[str, str]]:
        """The entries by their new names, and those that were left out with the reason."""
        for prefix in self.backbones:
            state_dict = {
                f'{prefix}.{to_timm(name.removeprefix(f"{prefix}."))}' if name.startswith(f'{prefix}.') else name: value
                for name, value in state_dict.items()
            }
        return self.rename(state_dict)

    def convert(
        self,
        source: str | Path,
        target: str | Path,
        config: str | None = None,
        entry: str | None = None,
        vggish: str | None = None,
    ) -> Path:
        """Converts a checkpoint and prints the entries that were left out.

        Args:
            source: The released file.
            target: File or folder to write to; the first digits of the file's SHA-256 are added to the name. The config
                is written to the same name with the suffix ``.py``.
            config: Config of the network; None for the identified one.
            entry: Entry of the file with the weights, if several entries have weights.
            vggish: File with the weights of VGGish, which released files do not contain.

        Returns:
            Path: The checkpoint that was written.

        Raises:
            ConversionError: The network is unknown, or an entry is unexpected or missing.
        """
        weights = read_weights(source, entry)
        key = self.recognize(weights.state_dict)
        names = self.configs[key]
        cfg = Config.fromfile(config or CONFIGS / f'{names[0]}.py')
        print(f'found {self.name} with {key[0]} and {key[1]} outputs')
        state_dict, dropped = self.rename_all(weights.state_dict)
        state_dict.update(_read_vggish(vggish))
        with DefaultScope.overwrite_default_scope('mmseg'):
            model = build_on_meta(cfg)
            without_audio = not any(name.startswith(_AUDIO) for name in state_dict)
            expected = dict(state_dict)
            if without_audio:
                expected.update((n, v) for n, v in model.state_dict().items() if n.startswith(_AUDIO))
            check_complete(expected, model, self.renaming, f'{cfg.filename}, although {self.name} {key} was identified')
            meta = dict(dataset_meta=dataset_meta(cfg), cfg=cfg.pretty_text, mmavs_version=mmavs.__version__)
        path = write_checkpoint(dict(meta=meta, state_dict=state_dict), target, Path(cfg.filename).stem)
        AtomicLocalBackend().put(f'# Network of {path.name}\n{cfg.pretty_text}'.encode(), path.with_suffix('.py'))
        print(f'{len(state_dict)} entries converted')
        print_dropped({**weights.others, **dropped})
        if without_audio:
            print('The file has no weights of VGGish, which the model needs: add them by --vggish FILE')
        if names[1:] and config is None:
            print('The same network is used with other data: convert again with --config if it was trained for one of')
            print(''.join(f'  configs/{name}.py\n' for name in names[1:]), end='')
        print(f'written: {path} and its config {path.with_suffix(".py").name}')
        print(f'test it with: python tools/test.py {path.with_suffix(".py")} {path}')
        return path

    def main(self, description: str, argv=None) -> None:
        """The command line of a converter."""
        args = parse_args(description, argv)
        try:
            self.convert(**vars(args))
        except (OSError, RuntimeError, ValueError, pickle.UnpicklingError) as error:
            sys.exit(f'error: {error}')


def parse_args(description: str, argv=None) -> argparse.Namespace:
    """The options of a converter."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('source', metavar='SRC', help='the released checkpoint')
    parser.add_argument(
        'target', metavar='DST', help='file or folder to write to; a part of the SHA-256 is added to the name'
    )
    parser.add_argument('--config', help='config of the network, if not the default')
    parser.add_argument('--entry', help='entry of SRC with the weights, if there are several')
    parser.add_argument('--vggish', metavar='FILE', help='weights of VGGish (vggish-10086976.pth)')
    return parser.parse_args(argv)


def _read_vggish(path: str | None) -> dict[str, Tensor]:
    if path is None:
        return {}
    return {
        f'{_AUDIO}{name}': value
        for name, value in read_weights(path).state_dict.items()
        if name.startswith(('features.', 'embeddings.'))
    }
