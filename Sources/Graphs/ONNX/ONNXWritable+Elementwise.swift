import Formats

extension ElementwiseChain: ONNXWritable {
  func append(to export: inout ONNXExport, _ inputs: [String], constants: [Tensor]) -> String {
    var value = inputs[0]
    for link in links {
      var operand = ""
      if let place = link.operand {
        let constant = constants[place]
        operand = export.constant(
          Tensor(
            shape: constant.count == 1 ? [] : [constant.count], elements: constant.elements))
      }
      value = link.function.append(to: &export, value, operand)
    }
    return value
  }
}

extension ElementwiseFunction {
  /// The operators of one function.
  fileprivate func append(to export: inout ONNXExport, _ x: String, _ c: String) -> String {
    switch self {
    case .relu: export.append("Relu", [x])
    case .leakyRelu(let alpha): export.append("LeakyRelu", [x], floats: ["alpha": Float(alpha)])
    case .elu(let alpha, 1): export.append("Elu", [x], floats: ["alpha": Float(alpha)])
    case .elu(let alpha, let gamma):
      export.append("Selu", [x], floats: ["alpha": Float(alpha), "gamma": Float(gamma)])
    case .celu(let alpha): export.append("Celu", [x], floats: ["alpha": Float(alpha)])
    case .sigmoid: export.append("Sigmoid", [x])
    case .tanh: export.append("Tanh", [x])
    case .hardSigmoid(let alpha, let beta):
      export.append("HardSigmoid", [x], floats: ["alpha": Float(alpha), "beta": Float(beta)])
    case .hardSwish: export.append("HardSwish", [x])
    case .softplus: export.append("Softplus", [x])
    case .softsign: export.append("Softsign", [x])
    case .erf: export.append("Erf", [x])
    case .gelu: gelu(&export, x)
    case .clip(let low, let high):
      export.append("Clip", [x, export.number(low), export.number(high)])
    case .absolute: export.append("Abs", [x])
    case .squareRoot: export.append("Sqrt", [x])
    case .exponential: export.append("Exp", [x])
    case .logarithm: export.append("Log", [x])
    case .power(let exponent): export.append("Pow", [x, export.number(exponent)])
    case .normalizedPower(let exponent): normalizedPower(&export, x, c, exponent)
    case .add: export.append("Add", [x, c])
    case .subtract: export.append("Sub", [x, c])
    case .subtractFrom: export.append("Sub", [c, x])
    case .multiply: export.append("Mul", [x, c])
    case .divide: export.append("Div", [x, c])
    case .divideInto: export.append("Div", [c, x])
    case .maximum: export.append("Max", [x, c])
    case .minimum: export.append("Min", [x, c])
    case .raise: export.append("Pow", [x, c])
    case .raiseFrom: export.append("Pow", [c, x])
    case .parametricRelu: export.append("PRelu", [x, c])
    }
  }

  /// x (1 + erf(x / sqrt 2)) / 2: the operator of this name is younger than what is written.
  private func gelu(_ export: inout ONNXExport, _ x: String) -> String {
    let scaled = export.append("Mul", [x, export.number(0.5.squareRoot())])
    let raised = export.append("Add", [export.append("Erf", [scaled]), export.number(1)])
    return export.append("Mul", [export.append("Mul", [x, raised]), export.number(0.5)])
  }

  /// r (r / c)^(p-1) with r = relu(x).
  private func normalizedPower(
    _ export: inout ONNXExport, _ x: String, _ c: String, _ exponent: Double
  ) -> String {
    let positive = export.append("Relu", [x])
    let cosine = export.append("Div", [positive, c])
    let slope = export.append("Pow", [cosine, export.number(exponent - 1)])
    return export.append("Mul", [positive, slope])
  }
}

extension BinaryOperation: ONNXWritable {
  func append(to export: inout ONNXExport, _ inputs: [String], constants: [Tensor]) -> String {
    let operators: [Function: String] = [
      .add: "Add", .subtract: "Sub", .multiply: "Mul", .divide: "Div", .maximum: "Max",
      .minimum: "Min", .raise: "Pow",
    ]
    var values = inputs
    for (index, places) in places.enumerated() {
      guard let places else { continue }
      values[index] = export.append(
        "Gather", [values[index], export.integers(places.map { Int(truncatingIfNeeded: $0) })],
        integers: ["axis": 1])
    }
    return export.append(operators[function] ?? "", values)
  }
}
