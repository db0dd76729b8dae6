"""The scorecard: its versioned JSON (`document`), what it decides (`gate`), and safe writing (`atomic`).

Everything a report says is read from here; nothing here measures anything or knows how a report looks.
"""
