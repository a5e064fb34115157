import Foundation

/// `fuzz-readers READER [options of libFuzzer] [folders of inputs]`.
///
/// libFuzzer mutates inputs towards code that was not reached yet and stops at the first crash, or at an input that
/// takes too long or too much memory; that input lies in a file then, which is run again by giving its name.
@main
struct FuzzReaders {
  nonisolated(unsafe) static var read: ([UInt8]) -> Void = { _ in }

  static func main() throws {
    let names = Readers.all.keys.sorted()
    guard CommandLine.arguments.count > 1, let reader = Readers.all[CommandLine.arguments[1]] else {
      print(names.joined(separator: "\n"))
      return
    }
    if CommandLine.arguments.count > 2, CommandLine.arguments[2] == "--seeds" {
      for (number, seed) in try reader.seeds().enumerated() {
        try Data(seed).write(
          to: URL(fileURLWithPath: CommandLine.arguments[3]).appendingPathComponent(
            "seed-\(number)"))
      }
      return
    }
    read = reader.read
    let arguments = [CommandLine.arguments[0]] + CommandLine.arguments.dropFirst(2)
    var count = Int32(arguments.count)
    var pointers: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
    pointers.withUnsafeMutableBufferPointer { buffer in
      var start = buffer.baseAddress
      exit(runFuzzer(&count, &start, runOne))
    }
  }
}

/// One input of the fuzzer, under the name that its own main function, which is linked and not used, asks for.
@_cdecl("LLVMFuzzerTestOneInput")
func runOne(_ start: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
  FuzzReaders.read(Array(UnsafeBufferPointer(start: start, count: count)))
  return 0
}

/// The entry of libFuzzer for programs with a main function of their own.
@_silgen_name("LLVMFuzzerRunDriver")
private func runFuzzer(
  _ count: UnsafeMutablePointer<Int32>,
  _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?>,
  _ body: @convention(c) (UnsafePointer<UInt8>?, Int) -> Int32
) -> Int32
