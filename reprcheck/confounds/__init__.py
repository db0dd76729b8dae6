"""What may stand behind a score besides the images' biology: nuisance vectors to score alone, duplicates across folds.

Beside the baselines, not among them: these come from the table or from other encoders' vectors. Confounds
that the table alone tells are in `reprcheck.datasets.confounds`.
"""

from reprcheck.confounds.duplicates import Duplicates, duplicates
from reprcheck.confounds.nuisance import Nuisance, nuisances

__all__ = ["Duplicates", "Nuisance", "duplicates", "nuisances"]
