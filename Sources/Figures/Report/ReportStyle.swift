/// How a report looks, on the screen in light and dark, and on paper.
enum ReportStyle {
  static let css = """
    :root {
      --ground: #ffffff; --text: #1c1e21; --faint: #5c636b; --line: #d9dde2; --shade: #f4f6f8;
      --link: #00588a; --note: #0072b2; --warning: #b34e00; --warning-ground: #fff5ea;
      --note-ground: #eef6fc;
    }
    @media (prefers-color-scheme: dark) {
      :root {
        --ground: #16181b; --text: #e4e6e8; --faint: #a3aab2; --line: #383d43; --shade: #202327;
        --link: #7cc4f0; --note: #56b4e9; --warning: #f0a04b; --warning-ground: #2c2115;
        --note-ground: #14242f;
      }
    }
    * { box-sizing: border-box; }
    body {
      margin: 0 auto; padding: 2.5rem 1.25rem 4rem; max-width: 54rem;
      background: var(--ground); color: var(--text);
      font: 1rem/1.55 system-ui, "Helvetica Neue", Arial, "DejaVu Sans", sans-serif;
    }
    header { margin-bottom: 2rem; }
    h1 { font-size: 1.9rem; line-height: 1.2; margin: 0 0 .3rem; overflow-wrap: anywhere; }
    h2 {
      font-size: 1.35rem; line-height: 1.25; margin: 2.6rem 0 .8rem; padding-top: .5rem;
      border-top: 1px solid var(--line); overflow-wrap: anywhere;
    }
    h3 { font-size: 1.08rem; margin: 1.8rem 0 .5rem; overflow-wrap: anywhere; }
    p, ul { margin: .7rem 0; overflow-wrap: anywhere; }
    ul { padding-left: 1.3rem; }
    a { color: var(--link); }
    .subtitle { color: var(--faint); font-size: 1.08rem; margin: 0; }
    nav { font-size: .95rem; }
    nav ol { margin: 0; padding-left: 1.4rem; columns: 16rem; }
    code, pre { font-family: ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; }
    code { font-size: .88em; background: var(--shade); padding: .1em .3em; border-radius: 3px; }
    pre {
      font-size: .85rem; background: var(--shade); padding: .8rem 1rem; border-radius: 6px;
      overflow-x: auto; line-height: 1.4;
    }
    .table { margin: 1.2rem 0; }
    /* A table that is wider than the text may use the window; wider still, it scrolls in its own frame. */
    .scroll {
      position: relative; left: 50%; transform: translateX(-50%); overflow-x: auto;
      width: max-content; min-width: 100%; max-width: min(100vw - 2.5rem, 84rem);
    }
    details .scroll { left: 0; transform: none; width: auto; max-width: 100%; }
    table { border-collapse: collapse; font-size: .93rem; line-height: 1.35; min-width: 50%; }
    .caption, figcaption { color: var(--faint); font-size: .92rem; text-align: left; }
    .caption { margin: 0; padding-bottom: .5rem; }
    .caption b, figcaption b { color: var(--text); }
    th, td { padding: .35rem .8rem; text-align: left; vertical-align: top; }
    th:first-child, td:first-child { padding-left: .3rem; }
    th { border-bottom: 1.5px solid var(--faint); font-weight: 600; vertical-align: bottom; }
    td { border-bottom: 1px solid var(--line); }
    .number { text-align: right; font-variant-numeric: tabular-nums; }
    figure { margin: 1.6rem 0; }
    .card {
      background: #ffffff; border: 1px solid var(--line); border-radius: 6px; padding: .75rem;
      text-align: center; overflow-x: auto;
    }
    .card svg { max-width: 100%; height: auto; display: inline-block; vertical-align: top; }
    figcaption { margin-top: .6rem; overflow-wrap: anywhere; }
    @media (max-width: 40rem) {
      body { padding-left: .8rem; padding-right: .8rem; }
      .scroll { max-width: calc(100vw - 1.6rem); }
      th, td { padding: .3rem .45rem; }
      dl div { grid-template-columns: 1fr; gap: 0; }
    }
    .files { display: block; font-size: .85rem; margin-top: .2rem; }
    dl { margin: 1rem 0; font-size: .95rem; }
    dl div {
      display: grid; grid-template-columns: minmax(8rem, 14rem) 1fr; gap: 1rem;
      padding: .25rem 0; border-bottom: 1px solid var(--line);
    }
    dt { color: var(--faint); }
    dd { margin: 0; overflow-wrap: anywhere; }
    .box { margin: 1.2rem 0; padding: .1rem 1rem; border-left: 4px solid; border-radius: 4px; }
    .note { border-color: var(--note); background: var(--note-ground); }
    .warning { border-color: var(--warning); background: var(--warning-ground); }
    .note strong:first-child { color: var(--note); }
    .warning strong:first-child { color: var(--warning); }
    details { margin: 1.2rem 0; border: 1px solid var(--line); border-radius: 6px; }
    details { padding: 0 1rem; }
    summary { cursor: pointer; padding: .6rem 0; font-weight: 600; }
    @media print {
      :root {
        --ground: #ffffff; --text: #000000; --faint: #444444; --line: #cccccc; --shade: #f4f4f4;
        --link: #000000; --note: #0072b2; --warning: #b34e00; --warning-ground: #ffffff;
        --note-ground: #ffffff;
      }
      body { max-width: none; padding: 0; font-size: 10.5pt; }
      nav { display: none; }
      figure, tr, .box { break-inside: avoid; }
      h2, h3, .caption { break-after: avoid; }
      .scroll { position: static; transform: none; width: auto; max-width: none; overflow: visible; }
      table { width: 100%; font-size: 8pt; }
      th { hyphens: auto; }
      th, td { padding: .2rem .35rem; overflow-wrap: anywhere; }
      .card { border: none; padding: 0; }
      pre { white-space: pre-wrap; }
      details::details-content { content-visibility: visible; height: auto; }
    }
    @page { margin: 18mm; }
    """
}
