"""Cases, manifests and the vocabularies that give their facts a meaning."""
