import CPolyReLU
import Datasets
import LinearCore
import Runs
import Theory

/// `polyrelu_abi`, as `polyrelu.h` describes it.
@c(polyrelu_abi)
public func abi() -> Int32 { Int32(POLYRELU_ABI) }

/// The text of the version, which lives as long as the process.
private nonisolated(unsafe) let version: UnsafePointer<CChar> = {
  let bytes = RunEnvironment.version.utf8CString
  let text = UnsafeMutablePointer<CChar>.allocate(capacity: bytes.count)
  for (position, byte) in bytes.enumerated() { text[position] = byte }
  return UnsafePointer(text)
}()

/// `polyrelu_version`, as `polyrelu.h` describes it.
@c(polyrelu_version)
public func libraryVersion() -> UnsafePointer<CChar>? { version }

/// `polyrelu_set_threads`, as `polyrelu.h` describes it.
@c(polyrelu_set_threads)
public func setThreads(_ count: Int32) { Parallel.threadCount = max(0, Int(clamping: count)) }

/// `polyrelu_set_spelling`, as `polyrelu.h` describes it.
@c(polyrelu_set_spelling)
public func setSpelling(_ spelling: Int32) {
  SettingName.style = spelling == 0 ? .plain : .python
}

/// `polyrelu_critical_radius`, as `polyrelu.h` describes it.
@c(polyrelu_critical_radius)
public func criticalRadius(_ p: Double, _ opposite: Int64) -> Double {
  guard p >= 1, p.isFinite, opposite >= 1 else { return .nan }
  return CriticalRadius.polynomialReLU(exponent: p, oppositeSubclasses: Int(clamping: opposite))
}

/// `polyrelu_critical_radius_relu`, as `polyrelu.h` describes it.
@c(polyrelu_critical_radius_relu)
public func criticalRadiusOfReLU(_ subclasses: Int64) -> Double {
  subclasses < 2 ? .nan : CriticalRadius.relu(subclasses: Int(clamping: subclasses))
}

/// `polyrelu_set_files`, as `polyrelu.h` describes it.
@c(polyrelu_set_files)
public func setFiles(_ folder: UnsafePointer<CChar>?) {
  if let folder { PackageFiles.look(in: String(cString: folder)) }
}
