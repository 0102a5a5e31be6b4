//! The terminals this node has spoken with, in memory.

#[derive(Debug, Default)]
pub struct Roster {}

impl Roster {
    /// A terminal's row changed (area, zone, removed): its next request reads it again.
    pub fn forget(&self, _sn: &str) {}
}
