"""The paper's tables with the results of runs: classification of runs, published figures, assembly, Markdown, plots."""
