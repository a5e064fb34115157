import DeepNetworks
import Formats
import Foundation
import LinearCore
import Networks
import Testing

/// Valid ranges, standardised inputs and files of other forms on the command line.
@Suite struct InputOptionsTests {
  let workspace: Workspace

  /// Networks f(x) = x_0 of 6 coordinates, shallow and deep, and samples with x_0 > 0 apart from the boundary.
  init() throws {
    workspace = try Workspace()
    try workspace.writeFeatures("plain.npz") { inputs, labels in
      for row in labels.indices {
        inputs[row * 6] = 0.25 + abs(inputs[row * 6])
        labels[row] = 1
      }
      labels[0] = 0
      inputs[0] = -0.5
    }
    let hidden = Matrix<Float>([[1, 0, 0, 0, 0, 0], [-1, 0, 0, 0, 0, 0]])
    let shallow = try PReLUNetwork<Float>(
      exponent: 1, hiddenWeights: hidden, outputWeights: Matrix([[1, -1]]))
    try ModelFile.write(shallow, to: workspace.path("shallow.safetensors"))
    let deep = try DeepNetwork<Float>(
      architecture: Architecture(
        inputShape: FeatureShape(vector: 6),
        layers: [DensePReLU(units: 2, exponent: 1), LinearHead(outputs: 1)]),
      parameters: [hidden, Matrix([[1, -1]]), Matrix([[0]])])
    try DeepModelFile.write(deep, to: workspace.path("deep.safetensors"))
  }

  private func samples() throws -> Matrix<Float> {
    let arrays = try NPZ.read(path: workspace.path("plain.npz"))
    return Matrix(rows: 40, columns: 6, elements: try #require(arrays["X"]).floats)
  }

  private func radii(_ line: String) throws -> [Double] {
    try workspace.succeed(line + " --per-sample radii.csv --quiet")
    return try String(decoding: workspace.bytes("radii.csv"), as: UTF8.self)
      .split(separator: "\n").dropFirst()
      .map { try #require(Double($0.split(separator: ",", omittingEmptySubsequences: false)[3])) }
  }

  private func refused(_ line: String, _ part: String) throws {
    let outcome = try workspace.run(line)
    #expect(outcome.status == 2 && outcome.output.isEmpty, "\(line)")
    #expect(outcome.errors.hasPrefix("error: ") && outcome.errors.count { $0 == "\n" } == 1)
    #expect(outcome.errors.contains(part), "\(line): \(outcome.errors)")
  }

  /// Raw inputs 5 + 3 z in the place of z: the same classes, all radii three times as large.
  @Test(arguments: ["shallow", "deep"], ["l2", "linf"])
  func standardisedNetworksKeepTheUnitsOfTheFile(_ model: String, _ norm: String) throws {
    let inputs = try samples()
    let raw = inputs.elements.map { 3 * $0 + 5 }
    let arrays = try NPZ.read(path: workspace.path("plain.npz"))
    try NPZ.write(
      [
        "X": Tensor(shape: [40, 6], elements: .float32(raw)), "y": try #require(arrays["y"]),
        "std": Tensor(shape: [6], elements: .float64([Double](repeating: 3, count: 6))),
      ], to: workspace.path("raw.npz"))
    let line = "attack --model \(model).safetensors --norm \(norm) --attack quick --limit 10"
    let plain = try radii(line + " --data plain.npz --epsilon 0.1,0.5")
    let scaled = try radii(
      line + " --data raw.npz --epsilon 0.3,1.5 --input-mean 5 --input-std raw.npz")
    for (i, (one, three)) in zip(plain, scaled).enumerated() {
      #expect(abs(one - Double(abs(inputs[i, 0]))) <= 0.01, "sample \(i): \(one)")
      #expect(abs(three - 3 * one) <= 0.02 * three, "sample \(i): \(three), \(one)")
    }
    let proved = try workspace.succeed(
      "certify --model \(model).safetensors --data raw.npz --norm l2 --limit 5 --quiet --json "
        + "--input-mean 5,5,5,5,5,5 --input-std 3"
    ).json()
    let lower = try #require(proved["samples"] as? [[String: Any]])
    #expect(lower.count == 5)
    if norm == "l2" {
      for (i, sample) in lower.enumerated() {
        let radius = try #require(sample["lower"] as? Double)
        #expect(radius <= scaled[i] * 1.0001 && radius >= 0.99 * scaled[i], "sample \(i)")
      }
    }
  }

  /// A wall in the way of one coordinate, in each of the ways to say so.
  @Test func wallsComeFromFilesAndFlags() throws {
    let low: [Double] = [0.125, -5, -5, -5, -5, -5]
    let high = [Double](repeating: 5, count: 6)
    let box = Tensor(shape: [2, 6], elements: .float64(low + high))
    try NPY.write(box, to: workspace.path("box.npy"))
    try NPZ.write(
      [
        "low": Tensor(shape: [6], elements: .float64(low)),
        "high": .init(shape: [], elements: .int64([5])),
      ],
      to: workspace.path("box.npz"))
    try workspace.write(
      Array("a,b,c,d,e,f\n0.125,-5,-5,-5,-5,-5\n5,5,5,5,5,5\n".utf8), to: "box.csv")
    let arrays = try NPZ.read(path: workspace.path("plain.npz"))
    // Without the first sample, which lies on the other side of the wall.
    let inputs = try samples()
    let x = Tensor(shape: [39, 2, 3], elements: .float32(Array(inputs.elements.dropFirst(6))))
    let y = Tensor(shape: [39], elements: .int64([Int64](repeating: 1, count: 39)))
    #expect(arrays.count == 2)
    try NPZ.write(["X": x, "y": y], to: workspace.path("right.npz"))
    try NPZ.write(
      [
        "X": x, "y": y, "low": Tensor(shape: [2, 3], elements: .float64(low)),
        "high": Tensor(shape: [1], elements: .float64([5])),
      ], to: workspace.path("boxed.npz"))
    let line =
      "attack --model shallow.safetensors --norm l2 --attack quick --limit 6 --epsilon 0.5,2"
    let free = try radii(line + " --data right.npz")
    #expect(free.enumerated().allSatisfy { abs($1 - Double(inputs[$0 + 1, 0])) <= 0.01 })
    for way in [
      "--data right.npz --box box.npy", "--data right.npz --box box.npz",
      "--data right.npz --box box.csv", "--data boxed.npz",
    ] {
      #expect(try radii("\(line) \(way)").allSatisfy { $0 == .infinity }, "\(way)")
    }
    #expect(try radii(line + " --data boxed.npz --no-box") == free)
    // In a box the network is attacked in all its dimensions.
    let wide = try radii(line + " --data right.npz --box -1,5")
    #expect(zip(wide, free).allSatisfy { abs($0 - $1) <= 0.01 * $1 })
    #expect(try radii(line + " --data boxed.npz --box -10,10").allSatisfy(\.isFinite))
    try refused(
      line + " --data right.npz --box 0,1/100", "expected a number in 0.0...0.01, the valid range")
    try refused(line + " --data right.npz --box 1,0", "--box is '1,0', expected two numbers LO,HI")
    try refused(line + " --data right.npz --box none.npy", "--box is 'none.npy', which is no file")
    try refused(line + " --data right.npz --box 0,1 --no-box", "--box: gives a range that --no-box")
    try refused(
      line + " --data right.npz --box right.npz", "--box right.npz: holds 'X', 'y'; expected")
    try NPY.write(
      Tensor(shape: [2, 4], elements: .float64([Double](repeating: 1, count: 8))),
      to: workspace.path("short.npy"))
    try refused(
      line + " --data right.npz --box short.npy",
      "--box short.npy: has 4 numbers, but samples have no channels; expected one number")
  }

  /// Radii are proved in the box that was asked for, in every norm, and certificates hold in no other.
  @Test(arguments: ["l2", "linf", "l1"]) func certificatesOfBoxes(_ norm: String) throws {
    let inputs = try samples()
    var x = Array(inputs.elements.dropFirst(6))
    for i in 0..<39 { x[6 * i] = x[6 * i].magnitude + 0.1 }
    let y = Tensor(shape: [39], elements: .int64([Int64](repeating: 1, count: 39)))
    let samples = Tensor(shape: [39, 6], elements: .float32(x))
    try NPZ.write(["X": samples, "y": y], to: workspace.path("plain-\(norm).npz"))
    try NPZ.write(
      [
        "X": samples, "y": y,
        "low": Tensor(shape: [6], elements: .float64([0.05, -9, -9, -9, -9, -9])),
        "high": Tensor(shape: [1], elements: .float64([9])),
      ], to: workspace.path("boxed-\(norm).npz"))
    func certify(_ options: String) throws -> [[String: Any]] {
      let output = try workspace.succeed(
        "certify --model shallow.safetensors --norm \(norm) --limit 4 --quiet --json " + options)
      let json = try JSONSerialization.jsonObject(with: Data(output.output.utf8))
      return try #require((json as? [String: Any])?["samples"] as? [[String: Any]])
    }
    for (i, sample) in try certify("--data boxed-\(norm).npz").enumerated() {
      let radius = Double(x[6 * i])
      #expect(sample["status"] as? String == "exact")
      #expect(try abs(#require(sample["lower"] as? Double) - radius) <= 2e-3 * radius)
    }
    // The coordinate that decides cannot be moved far enough.
    let proofs = "--data boxed-\(norm).npz --box data --certificates proofs-\(norm)"
    for sample in try certify(proofs) { #expect(sample["status"] as? String == "unreachable") }
    let line = "certify --model shallow.safetensors --norm \(norm) --limit 4 --quiet "
    try workspace.succeed(line + proofs + " --check")
    let narrow = line + "--data plain-\(norm).npz --certificates proofs-\(norm) --check"
    try refused(narrow, "it holds in a box of valid inputs, and none is given")
    try refused(narrow + " --box -9,9", "the certificate claims a radius of")
    try refused(
      line + "--data plain-\(norm).npz --box data", "has no range of valid values, expected LO,HI")
  }

  @Test func standardisationIsRefusedInOneLine() throws {
    let line = "attack --model deep.safetensors --data plain.npz --norm l2"
    try refused(line + " --input-std 0", "--input-std is 0.0, expected numbers from 1e-30 to 1e30")
    try refused(
      line + " --input-mean a", "--input-mean is 'a', which is no file, expected a number")
    try refused(
      line + " --input-mean 1,2", "--input-mean 1,2: has 2 numbers, but samples have no channels")
    try refused(
      "attack --model deep.safetensors --data digits --x-key X --norm l2",
      "--x-key: only data in files have this option")
  }

  /// A table of text gives the radii of the same samples in an archive.
  @Test func tablesAreAttacked() throws {
    let inputs = try samples()
    var text = "a,b,c,d,e,f,target\n"
    for i in 0..<40 {
      text += inputs.row(i).map { "\($0)" }.joined(separator: ",") + (i == 0 ? ",0\n" : ",1\n")
    }
    try workspace.write(Array(text.utf8), to: "plain.csv")
    let line =
      "attack --model shallow.safetensors --norm l2 --attack quick --limit 10 --epsilon 0.5"
    #expect(
      try radii(line + " --data plain.csv") == radii(line + " --data plain.npz"))
    let outcome = try workspace.succeed("data info plain.csv")
    #expect(outcome.errors.contains("plain.csv: labels are column 'target'\n"))
    try workspace.write(Array("a,y\n1,0\n,1\n".utf8), to: "missing.csv")
    try refused(
      "data info missing.csv",
      "missing.csv: holds nothing in line 3 (row 1), column 'a'; expected a number")
  }
}
