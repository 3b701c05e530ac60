//! Connects from an address of one's choice, which the standard library cannot.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpStream};

use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, connect as to, socket_with};

/// Connects to `addr` from `source`, from a port that the system chooses.
///
/// # Errors
/// The peer cannot be reached, or the address is not of this machine.
pub fn connect(source: Ipv4Addr, addr: SocketAddr) -> io::Result<TcpStream> {
    let flags = SocketFlags::CLOEXEC;
    let socket = socket_with(AddressFamily::INET, SocketType::STREAM, flags, None)?;
    bind(&socket, &SocketAddrV4::new(source, 0))?;
    to(&socket, &addr)?;
    Ok(TcpStream::from(socket))
}
