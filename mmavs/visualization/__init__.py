from .local_visualizer import AVSegLocalVisualizer

__all__ = ['AVSegLocalVisualizer']
