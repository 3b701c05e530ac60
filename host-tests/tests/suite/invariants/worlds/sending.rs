//! What those do who ask: requests in pieces, clients that leave, apps that answer.

use super::errand::{Errand, FORGED, Place};
use super::means::pick;
use super::open::{Open, Stage, Words};
use super::step::Draw;
use super::world::World;

impl World {
    pub(super) fn ask(&mut self, at: usize, draw: Draw, pieces: usize) {
        let errand = self.means.errand(&self.ledger, draw);
        self.send(at, errand, pieces);
    }

    /// A request of which nothing is left but what its answer says.
    pub(super) fn ask_now(&mut self, at: usize, draw: Draw) {
        self.ask(at, draw, 1);
        self.settle();
    }

    /// Sends a request, as far as its head; whole, if its body is in one piece.
    pub(super) fn send(&mut self, at: usize, errand: Errand, pieces: usize) {
        let asked = self.next_turn();
        self.expect(&errand, asked);
        self.history.note(|| {
            let ask = &errand.ask;
            let target = String::from_utf8_lossy(&ask.target);
            let body = ask.body.as_deref().map(String::from_utf8_lossy);
            let headers: Vec<String> = ask
                .headers
                .iter()
                .map(|(name, value)| format!("{name}: {}", String::from_utf8_lossy(value)))
                .collect();
            let Errand { shows, brings, .. } = errand;
            format!(
                "  request {asked} to {at}: {} {target} {headers:?} {body:?} (session {shows:?}, code {brings:?})",
                ask.method
            )
        });
        let body = errand.ask.body.clone().unwrap_or_default();
        let size = body.len().div_ceil(pieces).max(1);
        let cut = body.chunks(size).rev().map(<[u8]>::to_vec).collect();
        let at_once = pieces == 1;
        let station = self.station(at);
        let (worker, number) = (station.number, station.edge.request(&errand.ask));
        self.open.push(Open {
            worker,
            errand,
            station: at,
            number,
            pieces: cut,
            asked,
            at: self.uptime,
            stage: Stage::Undecided,
            has_left: false,
            clock_was_set: false,
            is_unheard: false,
            session: None,
            words: None,
        });
        if at_once {
            self.send_rest(self.open.len() - 1);
        }
    }

    /// One of those of whose bodies something is left.
    pub(super) fn sending(&self, at: u8) -> Option<usize> {
        let sending: Vec<usize> = (0..self.open.len())
            .filter(|at| !self.open[*at].pieces.is_empty())
            .collect();
        pick(sending.len(), at).map(|at| sending[at])
    }

    pub(super) fn send_piece(&mut self, at: usize) {
        let open = &mut self.open[at];
        let Some(piece) = open.pieces.pop() else {
            return;
        };
        let (station, number, last) = (open.station, open.number, open.pieces.is_empty());
        self.station(station).edge.body(number, &piece, last);
    }

    pub(super) fn send_rest(&mut self, at: usize) {
        while !self.open[at].pieces.is_empty() {
            self.send_piece(at);
        }
    }

    /// In place of the rest of the body, so that what stands in there has not come.
    pub(super) fn send_trailers(&mut self, at: usize) {
        let open = &mut self.open[at];
        open.pieces.clear();
        let (station, number, asked) = (open.station, open.number, open.asked);
        let of_all = self.swept(&self.open[at].errand);
        self.open[at].errand.is_cut();
        let now = self.next_turn();
        if self.open[at].stage == Stage::Undecided
            && let Some(user) = of_all
            && self.swept(&self.open[at].errand).is_none()
        {
            self.ledger.sweep_ends(user, asked, now, None);
        }
        let name = "x-wx-openid".to_owned();
        let forged = FORGED.as_bytes().to_vec();
        let edge = &mut self.station(station).edge;
        edge.trailers(number, vec![(name, forged)]);
    }

    pub(super) fn leave(&mut self, at: usize) {
        let open = &mut self.open[at];
        if open.stage == Stage::Over || open.has_left {
            return;
        }
        open.pieces.clear();
        open.has_left = true;
        let (station, number) = (open.station, open.number);
        self.station(station).edge.leave(number);
        self.lose(at);
    }

    /// The app answers, or WeChat.
    pub(super) fn respond(&mut self, at: usize, words: Words) {
        // An app reads a request to its end.
        self.send_rest(at);
        self.look_at(at);
        let open = &mut self.open[at];
        open.stage = Stage::Responded;
        open.words = Some(words);
        let (station, number, place) = (open.station, open.number, open.errand.place);
        let answer = if place == Place::Door {
            self.ask_as_backend(at)
        } else {
            words.answer()
        };
        self.history.note(|| {
            let asked = self.open[at].asked;
            format!("  request {asked} is answered: {words:?} {}", answer.status)
        });
        self.station(station).edge.respond(number, answer);
        let failure = self.station(station).edge.take_failure();
        let is_heard = failure.is_none();
        self.note_failure(station, failure);
        self.app_says(at, words, is_heard);
    }
}
