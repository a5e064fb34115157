import Testing

@testable import Formats

@Suite struct NPYTests {
  @Test func readsShapesOfNumpy() throws {
    let scalar = try NPY.read(path: fixture("scalar.npy"))
    #expect(scalar == Tensor(shape: [], elements: .float64([2.5])))
    let vector = try NPY.read(path: fixture("vector.npy"))
    #expect(vector == Tensor(shape: [3], elements: .float32([-1.5, 0, 3e38])))
    let empty = try NPY.read(path: fixture("empty.npy"))
    #expect(empty == Tensor(shape: [0, 4], elements: .float32([])))
    let extremes = try NPY.read(path: fixture("extremes.npy"))
    #expect(extremes == Tensor(shape: [2], elements: .int64([.min, .max])))
  }

  @Test func reordersFortranArraysOfAnyRank() throws {
    let tensor = try NPY.read(path: fixture("fortran3.npy"))
    #expect(tensor == Tensor(shape: [2, 3, 4], elements: .int64(Array(0..<24))))
  }

  /// The tiled transposition against the general walk, with extents around the tile of 32.
  @Test(arguments: [1, 31, 32, 33, 70], [1, 32, 65])
  func reordersFortranMatrices(rows: Int, columns: Int) throws {
    let fortran = (0..<rows * columns).map { Int64($0 % rows * columns + $0 / rows) }
    let ordered = Tensor.Elements.int64(fortran).rowMajor(fromFortranOrder: [rows, columns])
    #expect(ordered == .int64((0..<Int64(rows * columns)).map { $0 }))
    let withThirdAxis = Tensor.Elements.int64(fortran)
      .rowMajor(fromFortranOrder: [rows, columns, 1])
    #expect(withThirdAxis == ordered)
  }

  @Test(arguments: [1, 2, 3]) func readsEveryVersion(version: Int) throws {
    let tensor = try NPY.read(path: fixture("version\(version).npy"))
    #expect(tensor == Tensor(shape: [4], elements: .float32([0, 1, 2, 3])))
  }

  @Test(arguments: [
    Tensor(shape: [], elements: .int64([-3])),
    Tensor(shape: [0, 3], elements: .float64([])),
    Tensor(shape: [2, 3], elements: .float32([1, -0.0, .infinity, .leastNonzeroMagnitude, 5, 6])),
    Tensor(shape: [1, 2, 1, 2], elements: .float64([1, 2, 3, .pi])),
  ])
  func roundTrips(tensor: Tensor) throws {
    #expect(try NPY.decode(NPY.encode(tensor), path: "t.npy") == tensor)
  }

  /// Our writer against numpy's own bytes.
  @Test func writesTheBytesOfNumpy() throws {
    let tensor = Tensor(shape: [3], elements: .float32([-1.5, 0, 3e38]))
    #expect(try NPY.encode(tensor) == fixtureBytes("vector.npy"))
  }

  @Test(arguments: [
    ("complex.npy", "has the element type '<c8'"), ("structured.npy", "'structured'"),
    ("object.npy", "'|O'"), ("too-large.npy", "holds 9223372036854775808 at index 1"),
  ])
  func refusesTypesWithoutAHome(name: String, part: String) throws {
    let error = try #require(
      failure { () throws(FormatError) in try NPY.read(path: fixture(name)) })
    #expect(error.path == fixture(name))
    #expect(error.message.contains(part), "\(error)")
  }

  @Test func truncationAtEveryByteIsAnError() throws {
    for name in ["vector.npy", "fortran3.npy", "version2.npy"] {
      let bytes = try fixtureBytes(name)
      for count in 0..<bytes.count {
        let error = failure { () throws(FormatError) in
          try NPY.decode(Array(bytes[..<count]), path: name)
        }
        #expect(error?.message.contains("truncated") == true, "\(name) cut to \(count)")
      }
    }
  }

  @Test func wordsOfATruncation() throws {
    let bytes = try fixtureBytes("vector.npy").dropLast(5)
    let error = failure { () throws(FormatError) in try NPY.decode(Array(bytes), path: "v.npy") }
    #expect(
      error?.description == "v.npy: array is truncated: header promises 12 bytes, 7 found")
  }

  @Test(arguments: [
    "{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296), }",
    "{'descr': '<f8', 'fortran_order': False, 'shape': (2305843009213693952,), }",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (9223372036854775807, 2), }",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (9223372036854775808,), }",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (4), }",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000,), }",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (0, 1), }",
    "{'descr': '<f4', 'fortran_order': 1, 'shape': (1,), }",
    "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (1,), }",
    "{'descr': '<f4', 'fortran_order': False, }",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'more': 1}",
    "{'descr': '<f4\\'', 'fortran_order': False, 'shape': (1,), }",
    "{'descr': '', 'fortran_order': False, 'shape': (1,), }", "{", "", "{}", "[1]",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), } x",
  ])
  func refusesLyingHeaders(text: String) {
    let error = failure { () throws(FormatError) in
      try NPY.decode(text.npy(payload: [0, 0, 128, 63]), path: "bad.npy")
    }
    #expect(error != nil, "\(text)")
  }

  @Test func refusesTooManyAxes() {
    let shape = String(repeating: "1, ", count: 65)
    let text = "{'descr': '<f4', 'fortran_order': True, 'shape': (\(shape)), }"
    #expect(
      failure { () throws(FormatError) in
        try NPY.decode(text.npy(payload: [0, 0, 128, 63]), path: "bad.npy")
      } != nil)
  }

  @Test func refusesAHeaderLengthBeyondTheFile() throws {
    let bytes = NPYHeader.magic + [2, 0, 255, 255, 255, 255, 123]
    let error = failure { () throws(FormatError) in try NPY.decode(bytes, path: "bad.npy") }
    #expect(error?.message.contains("claims 4294967295 bytes, 1 found") == true)
  }

  @Test func namesMissingFilesAndFolders() throws {
    let missing = failure { () throws(FormatError) in try NPY.read(path: "/no/such.npy") }
    #expect(missing?.description == "/no/such.npy: cannot be opened: No such file or directory")
    let folder = failure { () throws(FormatError) in try NPY.read(path: "/") }
    #expect(folder?.description == "/: is a directory; expected a file")
  }

  @Test func integersAreExactOrRefused() throws {
    let whole = Tensor(shape: [2], elements: .float64([3, -4]))
    #expect(try whole.integers(named: "y", path: "f") == [3, -4])
    for bad in [0.5, .nan, .infinity, 1e19] {
      let tensor = Tensor(shape: [2], elements: .float64([0, bad]))
      let error = failure { () throws(FormatError) in try tensor.integers(named: "y", path: "f") }
      #expect(error?.description == "f: array 'y' holds \(bad) at index 1; expected integers")
    }
  }
}
