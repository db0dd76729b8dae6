"""Datasets: images, a sample table and tasks, from a folder or a simulator, checked before anything is computed.

`catalogue.load` opens any of them, `folder.open_folder` a folder.
"""
