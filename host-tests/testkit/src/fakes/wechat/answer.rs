//! What is answered to a request, in the language of the platform whose server it is, with the faults that it was told. It
//! never carries the answer: see `server`.

use super::language::Language;
use super::parameters::parameters;
use super::world::{SeenRequest, WechatState};
use super::{Asked, Fault, Platform, WechatAnswer, api, code2session, douyin, kuaishou};

fn language(platform: Platform) -> Language {
    match platform {
        Platform::Wechat | Platform::Qq => code2session::LANGUAGE,
        Platform::Douyin => douyin::LANGUAGE,
        Platform::Kuaishou => kuaishou::LANGUAGE,
    }
}

/// In the language of whose server it is.
pub(super) fn answer(world: &mut WechatState, asked: &Asked<'_>) -> WechatAnswer {
    let Language {
        busy,
        session,
        error,
    } = language(world.platform);
    let fault = world.script.pop_front().unwrap_or(Fault::Ok);
    if fault == Fault::Refused {
        world.refusals += 1;
        return WechatAnswer::refused();
    }
    let (path, query) = asked.target.split_once('?').unwrap_or((asked.target, ""));
    let request = SeenRequest {
        method: asked.method.to_owned(),
        path: path.to_owned(),
        query: parameters(query),
        content_type: asked.content_type.map(str::to_owned),
        body: asked.body.to_owned(),
        host: asked.host.map(str::to_owned),
        sni: asked.sni.map(str::to_owned),
        at: world.now(),
    };
    world.seen.push(request.clone());
    let string = world.string_errcodes;
    match fault {
        Fault::Busy => error(world, busy, string),
        Fault::RateLimited => error(world, 45011, string),
        Fault::HighRisk => error(world, 40226, string),
        Fault::Errcode(errcode) => error(world, errcode, false),
        Fault::StringErrcode(errcode) => error(world, errcode, true),
        fault => {
            let of_api = world.platform == Platform::Wechat && api::has(&request);
            let answered = if of_api {
                api::answer(world, &request)
            } else {
                session(world, &request).map(WechatAnswer::json)
            };
            let whole = answered.unwrap_or_else(|errcode| error(world, errcode, string));
            let whole = if of_api { whole.of_api() } else { whole };
            whole.harmed(&fault)
        }
    }
}
