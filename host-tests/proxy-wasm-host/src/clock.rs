//! Virtual time. It moves only when a test says so.

use std::time::Duration;

use super::host::ROOT;
use super::vm::Vm;

/// More ticks than this in one `advance` would be a test that does not know its period.
const MOST_TICKS: u32 = 10_000;

impl Vm {
    /// Since the Unix epoch, as `proxy_get_current_time_nanoseconds` answers.
    pub fn now(&self) -> Duration {
        self.host().now
    }

    /// Calls `proxy_on_tick` once, whatever the period, at the present time.
    pub fn tick(&mut self) {
        self.call("proxy_on_tick", ROOT, &[ROOT]);
    }

    /// Moves the clocks and fires every tick that is due, each at its own time. Returns how many.
    pub fn advance(&mut self, by: Duration) -> u32 {
        let end = self.host().uptime + by;
        let mut fired = 0;
        while let Some(due) = self.host().next_tick.filter(|due| *due <= end)
            && fired < MOST_TICKS
            && self.trapped().is_none()
        {
            self.move_to(due);
            // Envoy's tickHandler arms the timer again after the callback, with the period of then.
            self.host_mut().next_tick = None;
            self.tick();
            let host = self.host_mut();
            if host.next_tick.is_none() && !host.tick_period.is_zero() {
                host.next_tick = Some(due + host.tick_period);
            }
            fired += 1;
        }
        self.move_to(end);
        fired
    }

    /// Time passes in which Envoy comes to no timer: ticks that are due come late.
    pub fn delay(&mut self, by: Duration) {
        self.move_to(self.host().uptime + by);
    }

    /// How long until the next tick, if there is to be one.
    pub fn until_tick(&self) -> Option<Duration> {
        let next = self.host().next_tick?;
        Some(next.saturating_sub(self.host().uptime))
    }

    /// Sets the wall clock without moving time, as an administrator or NTP would.
    pub fn set_wall_clock(&mut self, since_epoch: Duration) {
        self.host_mut().now = since_epoch;
    }

    fn move_to(&mut self, uptime: Duration) {
        let host = self.host_mut();
        host.now += uptime.saturating_sub(host.uptime);
        host.uptime = uptime;
    }
}
