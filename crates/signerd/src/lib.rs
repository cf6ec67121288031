//! signerd
