"""Packaging of mmavs. requirements/constraints.txt has the tested versions of the dependencies."""

import re
import shutil
from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).parent
VERSION = re.search(r"__version__ = '(.+)'", (ROOT / 'mmavs' / 'version.py').read_text(encoding='utf-8')).group(1)

MMSEG = [
    'mmengine>=0.10.7,<1',
    'mmsegmentation>=1.2.2,<2',
    'setuptools<81',  # mmengine needs pkg_resources for configs with `_base_ = 'mmseg::...'`
]
MIM_CONTENT = ('configs', 'tools', 'model-index.yml')


class BuildWithConfigs(build_py):
    """Copies configs, tools and the index of models to `mmavs/.mim`, where mim and mmengine look for them.

    The repository has links there, which are used as they are by an editable installation and by a plain checkout.
    """

    def run(self):
        """Runs the usual build, then adds the files."""
        super().run()
        if getattr(self, 'editable_mode', False):
            return
        folder = Path(self.build_lib) / 'mmavs' / '.mim'
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for name in MIM_CONTENT:
            if (ROOT / name).is_dir():
                shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns('__pycache__'))
            else:
                shutil.copyfile(ROOT / name, folder / name)


setup(
    name='mmavs',
    version=VERSION,
    description='Audio-visual segmentation for MMSegmentation',
    long_description=(ROOT / 'README.md').read_text(encoding='utf-8'),
    long_description_content_type='text/markdown',
    license='Apache-2.0',
    classifiers=[
        'Development Status :: 4 - Beta',
        'Intended Audience :: Science/Research',
        'Operating System :: POSIX :: Linux',
        'Programming Language :: Python :: 3',
        'Programming Language :: Python :: 3.10',
        'Programming Language :: Python :: 3.11',
        'Programming Language :: Python :: 3.12',
        'Programming Language :: Python :: 3.13',
        'Topic :: Scientific/Engineering :: Artificial Intelligence',
    ],
    packages=find_packages(include=['mmavs', 'mmavs.*']),
    # Makes an editable installation a plain .pth file. The import hook that setuptools writes otherwise runs after the
    # search of the path, so that a script beside a clone would import the clone's folder as an empty namespace.
    package_dir={'': '.'},
    package_data={'mmavs': ['**/*.yaml']},
    cmdclass=dict(build_py=BuildWithConfigs),
    python_requires='>=3.10',
    install_requires=[
        'torch>=2.4',  # the first with torch.serialization.add_safe_globals
        'torchaudio',
        'ftfy',  # mmseg imports ftfy and regex without declaring them
        'regex',
        'numpy',
        'pillow',
        'pycocotools',
        'pyyaml',
        'scipy',
        'soundfile',
        'tqdm',
    ],
    extras_require={
        # Exactly one of these three. Each brings OpenCV. mmseg 1.2 refuses mmcv 2.2. The full mmcv has compiled
        # operators, which only some models of mmseg need. Where it has no wheel it is compiled from source, and so is
        # the mmcv of the maintained fork. The packages of the fork have modules of the same names.
        'lite': [*MMSEG, 'mmcv-lite>=2.1,<2.2'],
        'mmcv': [*MMSEG, 'mmcv>=2.1,<2.2'],
        'onedl': ['onedl-mmsegmentation>=1.4.2,<2', 'onedl-mmengine>=0.10.12,<1', 'onedl-mmcv>=2.3.6,<3'],
        'tensorboard': ['tensorboard'],
        'timm': ['timm'],  # backbones that mmseg takes from timm, such as ConvNeXt
        'video': ['av>=14'],  # PyAV: videos, and sound files that libsndfile cannot read
        'web': ['gradio>=6,<7'],  # the web page; Gradio 6 needs Pillow 12
        'onnx': ['onnx', 'onnxruntime', 'onnxscript'],  # tools/deployment/export_onnx.py
        'tests': ['hypothesis', 'pytest', 'pytest-xdist', 'selenium'],
        'dev': ['codespell', 'pre-commit', 'pre-commit-hooks', 'ruff'],
    },
)
