import sys
from pathlib import Path

TOOLS = Path(__file__).resolve().parents[3] / 'tools' / 'model_converters'
sys.path.insert(0, str(TOOLS))  # as when a tool is run
