import Formats

/// Rows and columns of small images with captions: samples, perturbations, learnt features.
package struct ImageGrid: Figure, Hashable {
  package struct Image: Hashable, Sendable {
    /// Pixel rows from the top; all have the same length.
    package var pixels: [[Double]]
    /// The values the colours span.
    package var range: ClosedRange<Double>
    /// The colours: grey for images, diverging for signed perturbations.
    package var colours: ColourScale
    /// One or more lines below the image.
    package var caption: String

    /// Makes an image from a non-empty rectangle of values.
    package init(
      pixels: [[Double]], range: ClosedRange<Double> = 0...1, colours: ColourScale = .grey,
      caption: String = ""
    ) {
      let width = pixels.first?.count ?? 0
      precondition(width > 0 && pixels.allSatisfy { $0.count == width }, "rectangular pixels")
      self.pixels = pixels
      self.range = range
      self.colours = colours
      self.caption = caption
    }

    /// Makes an image from row-major values, `width` a row.
    package init(
      values: [Double], width: Int, range: ClosedRange<Double> = 0...1,
      colours: ColourScale = .grey, caption: String = ""
    ) {
      precondition(width > 0 && values.count % width == 0, "whole rows of pixels")
      self.init(
        pixels: stride(from: 0, to: values.count, by: width).map {
          Array(values[$0..<$0 + width])
        }, range: range, colours: colours, caption: caption)
    }
  }

  /// A row of images with a heading at its left.
  package struct Row: Hashable, Sendable {
    /// Left of the images.
    package var heading: String
    /// From left to right; `nil` leaves a place empty.
    package var images: [Image?]

    package init(heading: String = "", images: [Image?]) {
      self.heading = heading
      self.images = images
    }
  }

  /// Heading; none when empty.
  package var title: String
  /// Above the columns; may be shorter than the rows.
  package var columnHeadings: [String]
  /// From top to bottom.
  package var rows: [Row]
  /// The side of an image in pixels of the screen; oblong images fit into the square.
  package var cellSize: Double

  /// Makes a grid with at least one row.
  package init(
    title: String = "", columnHeadings: [String] = [], rows: [Row], cellSize: Double = 76
  ) {
    precondition(!rows.isEmpty, "an image grid needs a row")
    precondition(cellSize > 0, "cells need a positive size")
    self.title = title
    self.columnHeadings = columnHeadings
    self.rows = rows
    self.cellSize = cellSize
  }

  /// The size that follows from the images and their captions.
  package var preferredSize: FigureSize { layout.size }

  /// One row a pixel: `row`, `column`, `heading`, `caption`, `y`, `x` (all from 0), `value`.
  package var tables: [FigureTable] {
    var table = CSVRows(header: ["row", "column", "heading", "caption", "y", "x", "value"])
    for (rowIndex, row) in rows.enumerated() {
      for (columnIndex, image) in row.images.enumerated() {
        guard let image else { continue }
        for (y, line) in image.pixels.enumerated() {
          for (x, value) in line.enumerated() {
            table.append([
              .integer(rowIndex), .integer(columnIndex), .text(row.heading), .text(image.caption),
              .integer(y), .integer(x), .number(value),
            ])
          }
        }
      }
    }
    return [FigureTable(csv: table)]
  }
}
