/* The loop and the strategy of support.py in C: the same events, the same venue, the same measures, one run at a time.
   Compiled with -ffp-contract=off, so that every lane must equal the loop's to the last bit. */
#include <math.h>
#include <stdint.h>
#include <string.h>

#pragma pack(push, 1)
typedef struct { int64_t ts_event, ts_known, ts_close; double open, high, low, close, volume, quote_volume, taker_buy; } bar_t;
typedef struct { int64_t ts_event, ts_known; double rate, interval_h; } funding_t;
typedef struct { int64_t ts_event, ts_known; double qty; } interest_t;
typedef struct { int64_t ts_event, ts_known; double side, qty, price; } liquidation_t;
typedef struct { double support, premium_delta_bp, qty, stop, hedge; } params_t;
typedef struct {
    double taker, maker, slippage, impact, participation; int64_t latency, strict; double leverage; int64_t isolated; double maintenance;
    int64_t mark_slip; double liquidation_fee; int64_t path, perp; double tick, lot, min_notional, deposit;
} terms_t;
typedef struct { int64_t ts_event, ts_known; double liquidation_fee; int64_t tiers; double cap[16], rate[16], amount[16], leverage[16]; } bracket_t;
typedef struct {
    double equity, cash, max_drawdown, fees, slippage, funding, traded, profit, loss;
    int64_t in_market, orders, refused, fills, trades, wins, liquidations, marks, ended;
} out_t;
#pragma pack(pop)

typedef struct { double qty; int64_t not_before; } slot_t;  /* market orders: the only ones that support.py asks for */
typedef struct {
    double qty, entry, basis, end, pending, largest, bought, bought_at, sold, sold_at, realised, fees, funding;
    int64_t waiting, opened; slot_t slots[4];
} position_t;
typedef struct {
    double cash, equity, peak, max_drawdown, fees, slippage, funding, traded, profit, loss;
    int64_t in_market, orders, refused, fills, trades, wins, liquidations, ended; int alive, invested;
    position_t position[2];
    double ask[2], price[2];
    const bracket_t *bracket;
    double slow, pressure, entry; int64_t n;
} lane_t;

static const double DUST = 1e-9;

/* Initial margin of the one perpetual under cross margin, the tiers' largest notional, spot paid with free cash. */
static int refused(const lane_t *a, const position_t *p, const terms_t *t, double qty, double price) {
    const position_t *q = &a->position[1];
    double after = p->qty + qty, margin = a->cash + q->qty * (a->price[1] - q->entry);
    if (!t->perp && after < -DUST * fabs(qty)) return 1;
    if (p->qty * qty >= 0.0 && fabs(qty) * price < t->min_notional) return 1;
    if (!t->perp) {
        double cost = qty * price * (1.0 + t->taker);
        if (qty <= 0.0) return 0;
        return cost > a->cash || (q->qty != 0.0 && cost > margin - fabs(q->qty) * a->price[1] / t->leverage);
    }
    if (fabs(after) <= fabs(p->qty)) return 0;
    double most = 0.0;
    for (int64_t n = 0; n < a->bracket->tiers; n++) if (a->bracket->leverage[n] >= t->leverage) most = fmax(most, a->bracket->cap[n]);
    return fabs(after) * price > most || fabs(after) * price / t->leverage > margin;
}

/* The mark at which cash and profit are the maintenance margin: the nearest of the tiers' lines. */
static void refresh(lane_t *a) {
    position_t *p = &a->position[1];
    p->end = NAN;
    if (p->qty == 0.0) return;
    double side = p->qty > 0.0 ? 1.0 : -1.0, size = fabs(p->qty);
    for (int64_t n = 0; n < a->bracket->tiers; n++) {
        double end = (a->cash + a->bracket->amount[n] - side * size * p->entry) / (size * (a->bracket->rate[n] - side));
        if (n == 0 || (end - p->end) * side > 0.0) p->end = end;
    }
}

static void leave(lane_t *a, position_t *p, double closed, double price, double gain, double fee) {
    double side = p->qty > 0.0 ? 1.0 : -1.0;
    p->realised += gain;
    p->fees += fee;
    p->sold_at = (p->sold_at * p->sold + price * closed) / (p->sold + closed);
    p->sold += closed;
    double rest = fabs(p->qty) - closed;
    if (rest > DUST * closed) { p->qty = side * rest; return; }
    double pnl = p->realised - p->fees - p->funding;
    a->trades++;
    if (pnl > 0.0) { a->wins++; a->profit += pnl; } else a->loss -= pnl;
    p->qty = 0.0; p->entry = 0.0;
}

static void enter(position_t *p, int64_t ts, double qty, double opened, double price, double fee) {
    double held = fabs(p->qty);
    if (held == 0.0) {
        p->opened = ts;
        p->largest = p->bought = p->bought_at = p->sold = p->sold_at = p->realised = p->fees = p->funding = 0.0;
    }
    p->entry = (p->entry * held + price * opened) / (held + opened);
    p->bought_at = (p->bought_at * p->bought + price * opened) / (p->bought + opened);
    p->bought += opened;
    p->fees += fee;
    p->qty += qty > 0.0 ? opened : -opened;
    if (fabs(p->qty) > p->largest) p->largest = fabs(p->qty);
}

static void fill(lane_t *a, position_t *p, const terms_t *t, int64_t ts, double qty, double price, double best) {
    double size = fabs(qty), fee = size * price * t->taker, slippage = size * fabs(price - best), gain = 0.0;
    double closed = p->qty * qty < 0.0 ? fmin(size, fabs(p->qty)) : 0.0;
    if (!t->perp) a->cash += -qty * price;
    if (closed > 0.0) gain = (p->qty > 0.0 ? 1.0 : -1.0) * closed * (price - p->entry);
    if (t->perp && closed > 0.0) a->cash += gain;
    if (fee != 0.0) a->cash += -fee;
    a->fees += fee; a->slippage += slippage; a->traded += size * price; a->fills++;
    if (closed > 0.0) leave(a, p, closed, price, gain, fee * closed / size);
    if (size - closed > DUST * size) enter(p, ts, qty, size - closed, price, fee * (size - closed) / size);
    p->basis = t->perp ? p->entry : 0.0;
    a->invested = a->position[0].qty != 0.0 || a->position[1].qty != 0.0;
    refresh(a);
}

/* At the bankruptcy price: all cash is lost, the orders of the perpetual are cancelled. */
static void liquidate(lane_t *a) {
    position_t *p = &a->position[1];
    double lost = a->cash, price = p->entry - lost / p->qty;
    p->waiting = 0; p->pending = 0.0;
    a->cash += -lost;
    a->traded += fabs(p->qty) * price; a->fills++; a->liquidations++;
    leave(a, p, fabs(p->qty), price, -lost, 0.0);
    a->invested = a->position[0].qty != 0.0;
    refresh(a);
}

static void meet_perp(lane_t *a, const bar_t *b) {
    const position_t *p = &a->position[1];
    if ((p->qty > 0.0 && b->low <= p->end) || (p->qty < 0.0 && b->high >= p->end)) liquidate(a);
}

static double to_lot(double qty, double lot) {
    if (lot == 0.0) return qty;
    double size = floor(fabs(qty) / lot + 1e-9) * lot;
    return qty > 0.0 ? size : -size;
}

static void fill_waiting(lane_t *a, int i, const terms_t *t, const bar_t *bar) {
    position_t *p = &a->position[i];
    int64_t done = 0;
    while (done < p->waiting && p->slots[done].not_before <= bar->ts_event) {
        double qty = p->slots[done].qty, s = t->slippage, price = bar->open * (qty > 0.0 ? 1.0 + s : 1.0 - s);
        if (refused(a, p, t, qty, price)) a->refused++; else fill(a, p, t, bar->ts_event, qty, price, bar->open);
        done++;
    }
    p->pending = 0.0;
    for (int64_t j = done; j < p->waiting; j++) { p->slots[j - done] = p->slots[j]; p->pending += p->slots[j].qty; }
    p->waiting -= done;
}

static void accept(lane_t *a, const terms_t *t, int64_t ts, const int64_t *lag) {
    for (int i = 0; i < 2; i++) {
        if (a->ask[i] == 0.0) continue;
        position_t *p = &a->position[i];
        double qty = to_lot(a->ask[i], t[i].lot);
        if (qty == 0.0 || p->waiting == 4) a->refused++;
        else {
            p->slots[p->waiting++] = (slot_t){qty, t[i].strict ? ts + t[i].latency : ts - lag[i]};
            p->pending += qty;
        }
        a->orders++;
        a->ask[i] = 0.0;
    }
}

static void target(lane_t *a, int i, double qty) { a->ask[i] = qty - a->position[i].qty - a->position[i].pending; }

static int on_bar(lane_t *a, const params_t *p, double spot, double perp) {
    double premium = (perp / spot - 1.0) * 1e4;
    a->slow += 0.01 * (premium - a->slow);
    a->pressure *= 0.97;
    a->n++;
    double delta = premium - a->slow;
    if (a->position[0].qty == 0.0) {
        if (a->n > 100 && spot < p->support && delta < -p->premium_delta_bp && a->pressure > -50.0) {
            target(a, 0, p->qty); target(a, 1, -p->hedge * p->qty); a->entry = spot;
            return 1;
        }
    } else if (delta > p->premium_delta_bp || spot < a->entry * (1.0 - p->stop)) {
        target(a, 0, 0.0); target(a, 1, 0.0);
        return 1;
    }
    return 0;
}

void run(const int64_t *events, int64_t n, const bar_t *bars, const funding_t *funding, const interest_t *interest,
         const liquidation_t *liquidations, const bracket_t *brackets, const terms_t *t, const params_t *p, int64_t start, int64_t step, out_t *out, double *samples) {
    lane_t lane, *a = &lane;
    memset(a, 0, sizeof lane);
    a->cash = a->equity = a->peak = t->deposit; a->alive = 1;
    double *price = a->price; int64_t row[2] = {0, 0}, lag[2] = {0, 0}, close = 0, pair = 0, marks = 0, ts = 0;
    int64_t next = (start + step - 1) / step * step; int fresh = 0; volatile double seen; int64_t pairs = 0;
    for (int64_t at = 0; at < n; at++) {
        int64_t e = events[at], r = e & 0xFFFFFFFFFF; int kind = (e >> 48) & 0xFF, i = (e >> 40) & 0xFF;
        if (kind >= 11) {
            const bar_t *b = bars + r;
            ts = b->ts_known; fresh = 1;
            if (b->ts_close > close) close = b->ts_close;
            if (a->position[i].waiting > 0) fill_waiting(a, i, t + i, b);
            if (i == 1) meet_perp(a, b);
            row[i] = r; lag[i] = b->ts_known - b->ts_close; price[i] = b->close;
        } else if (kind == 5) { ts = liquidations[r].ts_known; if (a->alive) a->pressure -= liquidations[r].side * liquidations[r].qty; }
        else if (kind == 3) { ts = interest[r].ts_known; seen = interest[r].qty; }
        else if (kind == 2) {
            ts = funding[r].ts_known;
            position_t *q = &a->position[i];
            if (q->qty != 0.0) { double paid = q->qty * price[i] * funding[r].rate; q->funding += paid; a->funding += paid; a->cash += -paid; refresh(a); }
        } else if (kind == 0) { a->bracket = brackets + r; refresh(a); }
        if (!((e >> 56) & 1) || !fresh) continue;
        fresh = 0; marks++;
        const bar_t *spot = bars + row[0], *perp = bars + row[1];
        if (spot->ts_close == perp->ts_close && spot->ts_close != pair) { pair = spot->ts_close; pairs++; }
        while (next < close) { *samples++ = a->equity; next += step; }
        if (a->alive) {
            double equity = a->cash;
            equity += a->position[0].qty * (price[0] - a->position[0].basis);
            equity += a->position[1].qty * (price[1] - a->position[1].basis);
            a->equity = equity;
            a->in_market += a->invested;
            if (equity > a->peak) a->peak = equity;
            double drawdown = 1.0 - equity / a->peak;
            if (drawdown > a->max_drawdown) a->max_drawdown = drawdown;
            if (equity <= 0.0) { a->alive = 0; a->ended = ts; a->cash = a->equity = 0.0; memset(a->position, 0, sizeof a->position); }
            else if (on_bar(a, p, spot->close, perp->close)) accept(a, t, ts, lag);
        }
        if (next == close) { *samples++ = a->equity; next += step; }
    }
    (void)seen;
    *out = (out_t){a->equity, a->cash, a->max_drawdown, a->fees, a->slippage, a->funding, a->traded, a->profit, a->loss,
                   a->in_market, a->orders, a->refused, a->fills, a->trades, a->wins, a->liquidations, marks, a->ended};
}

void sweep(const int64_t *events, int64_t n, const bar_t *bars, const funding_t *funding, const interest_t *interest,
           const liquidation_t *liquidations, const bracket_t *brackets, const terms_t *t, const params_t *p, int64_t start, int64_t step, out_t *out,
           double *samples, int64_t moments, int64_t lanes) {
    for (int64_t k = 0; k < lanes; k++) run(events, n, bars, funding, interest, liquidations, brackets, t, p + k, start, step, out + k, samples + k * moments);
}
