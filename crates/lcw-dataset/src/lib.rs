//! The dataset on disk: partitions, merge, staged commits, lock, manifests
