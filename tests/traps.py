"""The traps of the real sets, as sentences begin that name them: in `data check`, and in the scorecard's notes.

Told by who made each set up, in its SOURCE.md. Brightness that gives a label away is asked by `beyond_intensity`.
"""

FEW = "Verdicts cover these {} batches, not new ones: for that, at least 10 are needed."

FOLLOWS = "The label follows the batch (association "

TRAPS = {
    "jurkat": {"phase": ["Kept out by `where`: batches with one class only: Experiment_2 (G1)."]},
    "tcell": {
        "activation": [
            "Confound: column batch, not on the card, has groups with one class only: 1 (quiescent), 11 (activated)",
            "Confound: image size alone predicts the label: 0.72 by knn/1, 0.50 by chance (p = 0.001).",
            FOLLOWS,
        ],
        "cell_type": ["Confound: column batch, not on the card, has groups with one class only: 10 (CD3), 9 (CD3)."],
    },
    "bbbc013": {
        "treatment": [
            "Confound: each class lies in its own positions: untreated (column 1), wortmannin_150nM (column 12)."
        ],
        "localisation": ["Confound: image size alone predicts the label: 0.47 by knn/1, 0.33 by chance (p = 0.001)."],
    },
    "bbbc016": {
        "dose": [
            "Confound: the label falls along the plate's columns, controls aside: rank correlation -1.00 (p = 0.001)."
        ],
    },
    "cifar10": {},
    "dsb2018": {"count": ["Confound: 1 pair of samples with nearly the same pixels lies on both sides of a fold: "]},
    "mibi_dcis": {
        "lesion": [
            "Confound: classes found in one batch only: IDC (TA507).",
            "Confound: batches with one class only: TA500 (DCIS), TA502 (DCIS), TA513 (normal).",
            "Confound: batch alone predicts the label: 0.59 by knn/1, 0.33 by chance (p = 0.003).",
            "Channels: ",
        ],
    },
    "osteosarcoma": {
        "tumour": [
            "Confound: batches with one class only: P9 (non_tumor).",
            "Confound: batch alone predicts the label: 0.67 by knn/1, 0.33 by chance (p = 0.001).",
            FEW.format(4),
        ],
    },
}
