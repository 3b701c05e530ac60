//! Message push (消息推送) as pure functions: what a push is signed with, how it is sealed, what stands in it, and how an
//! answer is worded. <https://developers.weixin.qq.com/miniprogram/dev/framework/server-ability/message-push.html>

pub mod cipher;
pub mod message;
pub mod reply;
pub mod signed;
mod xml;
