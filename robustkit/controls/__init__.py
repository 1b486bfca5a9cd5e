"""Control boxes for lesion-free films: placed, or matched to the lesions in grey as well."""
