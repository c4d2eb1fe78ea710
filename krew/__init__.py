"""From a checkout to what krew installs: the executable, its licences and parts list, the archives, the manifest."""
