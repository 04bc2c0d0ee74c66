#include "monitor/judge/life.hpp"

namespace kpi::monitor {
namespace {

void live_on(Life &life, Seen seen, const Terms &terms, std::int64_t now) {
    if (!life.open()) {
        life = {};
        life.phase = Phase::pending;
        life.started = now;
    }
    if (seen == Seen::bad) life.recovering = 0;
    if (life.phase == Phase::pending) {
        if (seen == Seen::good) life = {};
        if (seen == Seen::bad && now - life.started >= terms.hold) {
            life.phase = Phase::firing;
            life.fired = now;
        }
        return;
    }
    if (seen != Seen::good) return;
    if (life.recovering == 0) life.recovering = now;
    if (now - life.recovering < terms.keep_firing) return;
    life.phase = Phase::resolved;
    life.ended = now;
}

Word wanted(const Life &life, const Terms &terms, std::int64_t now) {
    const bool told = life.first_told != 0;
    if (life.phase == Phase::resolved) return told ? Word::resolved : Word::none;
    if (life.phase == Phase::acknowledged) return Word::none;
    if (life.phase != Phase::firing) return Word::none;
    if (life.muted) return Word::unmuted;
    if (!told) return Word::opened;
    if (terms.escalate_after > 0 && !life.escalated &&
        now - life.first_told >= terms.escalate_after)
        return Word::escalated;
    const bool due = terms.repeat_every > 0 && now - life.last_told >= terms.repeat_every;
    return due && life.repeats < terms.max_repeats ? Word::repeated : Word::none;
}

}  // namespace

std::int64_t next_change(const Life &life, const Terms &terms) {
    if (life.phase == Phase::pending) return life.started + terms.hold;
    return life.open() && life.recovering != 0 ? life.recovering + terms.keep_firing : 0;
}

Next advance(Life life, Seen seen, const Terms &terms, Voice voice, std::int64_t now) {
    if (!life.open() && seen != Seen::bad) return {life, Word::none};
    live_on(life, seen, terms, now);
    const Word word = wanted(life, terms, now);
    if (word == Word::none) return {life, word};
    // The end is told in any case: it concerns whoever has heard of the beginning.
    if (voice == Voice::quiet && word != Word::resolved) return {life, Word::none};
    if (voice == Voice::muted && word != Word::resolved) {
        life.muted = true;
        return {life, Word::none};
    }
    life.muted = false;
    if (life.first_told == 0) life.first_told = now;
    life.last_told = now;
    if (word == Word::escalated) life.escalated = true;
    if (word == Word::repeated) ++life.repeats;
    return {life, word};
}

}  // namespace kpi::monitor
