extension Report {
  package var html: String {
    var writer = ReportWriter()
    for (index, section) in sections.enumerated() {
      writer.add("<section aria-labelledby=\"section-\(index + 1)\">")
      writer.add("<h2 id=\"section-\(index + 1)\">\(HTML.escaped(section.heading))</h2>")
      section.blocks.forEach { writer.add($0) }
      writer.add("</section>")
    }
    let subtitle = subtitle.html
    return """
      <!DOCTYPE html>
      <html lang="en">
      <head>
      <meta charset="utf-8">
      <meta name="viewport" content="width=device-width, initial-scale=1">
      <meta name="color-scheme" content="light dark">
      <title>\(HTML.escaped(title))</title>
      <style>
      \(ReportStyle.css)
      </style>
      </head>
      <body>
      <header>
      <h1>\(HTML.escaped(title))</h1>
      \(subtitle.isEmpty ? "" : "<p class=\"subtitle\">\(subtitle)</p>")
      </header>
      \(contents)
      <main>
      \(writer.lines.joined(separator: "\n"))
      </main>
      </body>
      </html>

      """
  }

  /// Links to the sections, when there are enough to get lost in.
  private var contents: String {
    guard sections.count >= 3 else { return "" }
    let links = sections.enumerated().map { index, section in
      "<li><a href=\"#section-\(index + 1)\">\(HTML.escaped(section.heading))</a></li>"
    }
    return "<nav aria-label=\"Contents\">\n<ol>\n\(links.joined(separator: "\n"))\n</ol>\n</nav>"
  }
}

/// Turns blocks into HTML and numbers figures and tables.
private struct ReportWriter {
  var lines: [String] = []
  private var figureCount = 0
  private var tableCount = 0

  mutating func add(_ line: String) { lines.append(line) }

  mutating func add(_ block: Report.Block) {
    switch block {
    case .paragraph(let prose): add("<p>\(prose.html)</p>")
    case .subheading(let text): add("<h3>\(HTML.escaped(text))</h3>")
    case .list(let items):
      add("<ul>\n" + items.map { "<li>\($0.html)</li>" }.joined(separator: "\n") + "\n</ul>")
    case .table(let table): add(table)
    case .figure(let picture): add(picture)
    case .keyValues(let pairs):
      add("<dl>")
      for pair in pairs {
        add("<div><dt>\(HTML.escaped(pair.key))</dt><dd>\(pair.value.html)</dd></div>")
      }
      add("</dl>")
    case .note(let prose): addBox("note", "Note", prose)
    case .warning(let prose): addBox("warning", "Warning", prose)
    case .preformatted(let text): add("<pre>\(HTML.escaped(text))</pre>")
    case .details(let summary, let blocks):
      add("<details>\n<summary>\(HTML.escaped(summary))</summary>")
      blocks.forEach { add($0) }
      add("</details>")
    }
  }

  private mutating func addBox(_ kind: String, _ heading: String, _ prose: Prose) {
    add("<aside class=\"box \(kind)\"><p><strong>\(heading).</strong> \(prose.html)</p></aside>")
  }

  private mutating func add(_ table: Report.Table) {
    tableCount += 1
    let classes = table.alignments.map { $0 == .right ? " class=\"number\"" : "" }
    let caption = table.caption.html
    let identifier = "table-\(tableCount)-caption"
    add("<div class=\"table\">")
    // Beside the table, not in it: a caption must not be as wide as a table that scrolls.
    if !caption.isEmpty {
      add("<p class=\"caption\" id=\"\(identifier)\"><b>Table \(tableCount).</b> \(caption)</p>")
    }
    let label =
      caption.isEmpty ? "aria-label=\"Table \(tableCount)\"" : "aria-labelledby=\"\(identifier)\""
    add("<div class=\"scroll\" role=\"region\" tabindex=\"0\" \(label)>\n<table \(label)>")
    let header = zip(table.header, classes).map { "<th scope=\"col\"\($1)>\($0.html)</th>" }
    add("<thead>\n<tr>\(header.joined())</tr>\n</thead>\n<tbody>")
    for row in table.rows {
      add("<tr>" + zip(row, classes).map { "<td\($1)>\($0.html)</td>" }.joined() + "</tr>")
    }
    add("</tbody>\n</table>\n</div>\n</div>")
  }

  private mutating func add(_ picture: Report.Picture) {
    figureCount += 1
    let label = picture.alternative.isEmpty ? "Figure \(figureCount)" : picture.alternative
    add("<figure id=\"figure-\(figureCount)\">")
    add("<div class=\"card\">")
    add(SVGDocument(text: picture.svg).inlined(prefix: "figure-\(figureCount)-", label: label))
    add("</div>")
    add("<figcaption><b>Figure \(figureCount).</b> \(picture.caption.html)")
    let links = picture.downloads.map { path in
      let name = path.split(separator: "/").last.map(String.init) ?? path
      return "<a href=\"\(HTML.link(toPath: path))\">\(HTML.escaped(name))</a>"
    }
    if !links.isEmpty { add("<span class=\"files\">\(links.joined(separator: " · "))</span>") }
    add("</figcaption>\n</figure>")
  }
}
