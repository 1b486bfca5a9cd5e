"""robustkit: can a lesion classifier on radiographs be trusted, for whom, and how surely?"""
