import Formats

extension DenseProduct: ONNXWritable {
  func append(to export: inout ONNXExport, _ inputs: [String], constants: [Tensor]) -> String {
    var weights = Tensor(
      shape: isTransposed ? [columns, inner] : [inner, columns], elements: constants[0].elements)
    if isTransposed { weights = weights.transposedMatrix }
    let name = export.constant(weights)
    if rows == 1 { return export.append("MatMul", [inputs[0], name]) }
    let product = export.append("MatMul", [export.reshaped(inputs[0], [-1, rows, inner]), name])
    return export.reshaped(product, [-1, rows * columns])
  }
}

extension Tensor {
  /// A matrix with rows and columns exchanged.
  fileprivate var transposedMatrix: Tensor {
    let (rows, columns) = (shape[0], shape[1])
    func moved<Element>(_ values: [Element]) -> [Element] {
      (0..<columns).flatMap { column in (0..<rows).map { values[$0 * columns + column] } }
    }
    let elements: Elements =
      switch self.elements {
      case .float32(let values): .float32(moved(values))
      case .float64(let values): .float64(moved(values))
      case .int64(let values): .int64(moved(values))
      }
    return Tensor(shape: [columns, rows], elements: elements)
  }
}

extension WindowGeometry {
  /// The attributes of an operator with these windows.
  fileprivate func attributes(dilations: Bool) -> [String: [Int]] {
    var lists = [
      "kernel_shape": [rows.kernel, columns.kernel], "strides": [rows.stride, columns.stride],
      "pads": [rows.before, columns.before, rows.after, columns.after],
    ]
    if dilations { lists["dilations"] = [rows.dilation, columns.dilation] }
    return lists
  }

  /// Whether the last window reaches beyond the border.
  fileprivate var roundsUp: Bool {
    [rows, columns].contains {
      $0.output > ($0.input + $0.before + $0.after - $0.extent) / $0.stride + 1
    }
  }
}

extension Convolution: ONNXWritable {
  func append(to export: inout ONNXExport, _ inputs: [String], constants: [Tensor]) -> String {
    let (rows, columns) = (geometry.rows, geometry.columns)
    let filters = export.constant(
      Tensor(
        shape: [groups * self.filters, channels, rows.kernel, columns.kernel],
        elements: constants[0].elements))
    let image = export.reshaped(inputs[0], [-1, groups * channels, rows.input, columns.input])
    let result = export.append(
      "Conv", [image, filters], integers: ["group": groups],
      integerLists: geometry.attributes(dilations: true))
    return export.reshaped(result, [-1, images * groups * self.filters * geometry.positions])
  }
}

extension MaxPooling: ONNXWritable {
  func append(to export: inout ONNXExport, _ inputs: [String], constants: [Tensor]) -> String {
    let image = export.reshaped(
      inputs[0], [-1, channels, geometry.rows.input, geometry.columns.input])
    let result = export.append(
      "MaxPool", [image], integers: ["ceil_mode": geometry.roundsUp ? 1 : 0],
      integerLists: geometry.attributes(dilations: true))
    return export.reshaped(result, [-1, channels * geometry.positions])
  }
}

extension WindowMean: ONNXWritable {
  func append(to export: inout ONNXExport, _ inputs: [String], constants: [Tensor]) -> String {
    let image = export.reshaped(
      inputs[0], [-1, channels, geometry.rows.input, geometry.columns.input])
    let result = export.append(
      "AveragePool", [image],
      integers: [
        "ceil_mode": geometry.roundsUp ? 1 : 0, "count_include_pad": countsBorder ? 1 : 0,
      ], integerLists: geometry.attributes(dilations: false))
    return export.reshaped(result, [-1, channels * geometry.positions])
  }
}

extension Rearrangement: ONNXWritable {
  func append(to export: inout ONNXExport, _ inputs: [String], constants: [Tensor]) -> String {
    var value = inputs[0]
    if places.contains(-1) {
      // What stands outside is one more number behind the others.
      value = export.append(
        "Pad", [value, export.integers([0, 0, 0, 1]), export.number(filling)])
    }
    let indices = places.map { $0 < 0 ? inputCount : Int(truncatingIfNeeded: $0) }
    return export.append("Gather", [value, export.integers(indices)], integers: ["axis": 1])
  }
}

extension Concatenation: ONNXWritable {
  func append(to export: inout ONNXExport, _ inputs: [String], constants: [Tensor]) -> String {
    if outer == 1 { return export.append("Concat", inputs, integers: ["axis": 1]) }
    let parts = zip(inputs, lengths).map { export.reshaped($0, [-1, outer, $1]) }
    let whole = export.append("Concat", parts, integers: ["axis": 2])
    return export.reshaped(whole, [-1, outer * lengths.reduce(0, +)])
  }
}

extension Reduction: ONNXWritable {
  func append(to export: inout ONNXExport, _ inputs: [String], constants: [Tensor]) -> String {
    let stretches = export.reshaped(inputs[0], [-1, count, length])
    let operators: [Function: String] = [
      .mean: "ReduceMean", .largest: "ReduceMax", .smallest: "ReduceMin",
      .squares: "ReduceSumSquare", .euclideanNorm: "ReduceL2", .absoluteSum: "ReduceL1",
      .logSumExp: "ReduceLogSumExp",
    ]
    guard let name = operators[function] else {
      return export.append(
        "ReduceSum", [stretches, export.integers([2])], integers: ["keepdims": 0])
    }
    return export.append(
      name, [stretches], integers: ["keepdims": 0], integerLists: ["axes": [2]])
  }
}

extension Normalization: ONNXWritable {
  func append(to export: inout ONNXExport, _ inputs: [String], constants: [Tensor]) -> String {
    let ones = export.constant(
      Tensor(shape: [length], elements: .float32([Float](repeating: 1, count: length))))
    let stretches = export.reshaped(inputs[0], [-1, count, length])
    let result = export.append(
      "LayerNormalization", [stretches, ones], integers: ["axis": 2],
      floats: ["epsilon": Float(epsilon)])
    return export.reshaped(result, [-1, count * length])
  }
}

extension Softmax: ONNXWritable {
  func append(to export: inout ONNXExport, _ inputs: [String], constants: [Tensor]) -> String {
    let stretches = export.reshaped(inputs[0], [-1, count, length])
    let result = export.append(
      isLogarithmic ? "LogSoftmax" : "Softmax", [stretches], integers: ["axis": 2])
    return export.reshaped(result, [-1, count * length])
  }
}
