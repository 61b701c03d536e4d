//! Turns Graph entities into Arrow record batches; declares every column once
