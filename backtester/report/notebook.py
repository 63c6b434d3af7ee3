"""What a notebook shows of a run: one sentence, the equity beside buy-and-hold, the metrics that are asked for first."""

from html import escape

from backtester.report.svg import Line, Panel, draw
from backtester.report.view import RunView
from backtester.report.words import ADVICE, minus, sentence
from backtester.results.catalogue import figure, metric, unit

FIRST = ("total_return", "cagr", "max_drawdown", "sharpe", "trades", "win_rate", "exposure", "fees", "funding", "liquidations")
STYLE = (
    ".bt svg{display:block;width:100%;max-width:900px;height:auto}.bt .grid,.bt .zero{fill:none;stroke:#8884}"
    ".bt .tick{fill:#888;font-size:11px}"
    ".bt .line{fill:none;stroke-width:1.4}.bt .line.strategy{stroke:#3578c9}.bt .line.hold{stroke:#999}"
)


def notebook_html(view: RunView) -> str:
    """The run as a piece of HTML that brings its own style."""
    ts = view.equity["ts"]
    curves = [Line("buy and hold", *view.hold, "hold")] if view.hold else []
    curves.append(Line("strategy", ts, view.equity["equity"], "strategy"))
    drawing = draw(Panel("Equity", "quote", curves, 200, "{:,.0f}".format), int(ts[0]), int(ts[-1]), labelled=True) if len(ts) else ""
    told = sentence(view.name, view.metrics, view.manifest, view.hold_metrics)
    rows = "".join(
        f"<tr><th>{escape(metric(key).label)}</th><td>{escape(minus(figure(key, view.metrics[key])))} {escape(unit(key))}</td></tr>"
        for key in FIRST if key in view.metrics
    )
    table = f"<table>{rows}</table><p><small>{ADVICE}</small></p>"
    return f'<div class="bt"><style>{STYLE}</style><p>{escape(minus(told))}</p>{drawing}{table}</div>'
