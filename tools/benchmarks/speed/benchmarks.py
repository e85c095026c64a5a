"""All benchmarks by name, with their goals."""

from . import avsbench_metrics, data, fusion, loss, steps, tpavi
from .harness import Benchmark

BENCHMARKS = {
    'contrastive_loss_512': Benchmark(loss.make_loss_512, goal=6, memory_goal=1 / 3, keep=(False, False)),
    'contrastive_loss_2048': Benchmark(loss.make_loss_2048, goal=1, memory_goal=1 / 4, keep=(False, False), rounds=3),
    'sample': Benchmark(data.make_sample, goal=3, threads=1),
    'audio_44k': Benchmark(data.make_audio_44k, goal=3, threads=1),
    'audio_16k': Benchmark(data.make_audio_16k, goal=12, threads=1),
    'index': Benchmark(data.make_index, goal=3, rounds=3, extra=data.compare_index_sizes),
    'metrics': Benchmark(data.make_metrics, goal=6),
    'avsbench_metrics': Benchmark(avsbench_metrics.make_avsbench_metrics, goal=10),
    'fusion': Benchmark(fusion.make_fusion, goal=1.9),
    'tpavi': Benchmark(
        tpavi.make_tpavi, goal=10, memory_goal=1 / 5, keep=(False, False), rounds=3, extra=tpavi.measure_full_size
    ),
    'train_step': Benchmark(steps.make_train_step, goal=1.15, rounds=3),
    'train_step_default': Benchmark(steps.make_train_step, goal=1.8, keep=(True, False), rounds=3),
    'inference': Benchmark(steps.make_inference, goal=1.15),
}
