//! The simulator over HTTP, asked by a client that is written by hand.

#[cfg(test)]
mod access;
#[cfg(test)]
mod assertions;
#[cfg(test)]
mod client;
#[cfg(test)]
mod control;
#[cfg(test)]
mod counters;
#[cfg(test)]
mod expansions;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod lifecycle;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod listings;
#[cfg(test)]
mod mutations;
#[cfg(test)]
mod orders;
#[cfg(test)]
mod permissions;
#[cfg(test)]
mod shortened;
#[cfg(test)]
mod sign_in;
#[cfg(test)]
mod subjects;
#[cfg(test)]
mod summaries;
#[cfg(test)]
mod tables;
#[cfg(test)]
mod task_results;
#[cfg(test)]
mod versions;
#[cfg(test)]
mod windows;
