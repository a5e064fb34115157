import COpenBLAS
import Foundation

/// Process-wide set-up of the BLAS library.
package enum BLAS {
  private static let isSetUp: Void = {
    chooseKernels()
    openblas_set_num_threads(1)
  }()

  /// Makes every BLAS call run on the calling thread.
  ///
  /// The package partitions work itself (``Parallel``), by a rule that does not depend on the number
  /// of threads, so that results do not either.
  @inline(__always)
  static func useOneThread() { _ = isSetUp }

  /// The library in its own words: name, version and how it was built, without the kernels, such as
  /// "OpenBLAS 0.3.26 NO_LAPACKE DYNAMIC_ARCH NO_AFFINITY MAX_THREADS=64".
  package static var library: String {
    let kernels = kernels
    return String(cString: openblas_get_config()).split(separator: " ")
      .filter { $0 != kernels[...] }.joined(separator: " ")
  }

  /// The kernels in use, in OpenBLAS's words, such as "SkylakeX" or "Haswell". Others add in other orders, so
  /// that last digits differ: the same bytes come from the same kernels of the same library.
  package static var kernels: String {
    useOneThread()
    return String(cString: openblas_get_corename())
  }

  /// Takes the kernels for processors with AVX where OpenBLAS has fallen back to those of 2004.
  ///
  /// An OpenBLAS older than the processor does not know its model number and may take the kernels of the
  /// first 64-bit processors: six times slower. It offers to name a processor in `OPENBLAS_CORETYPE`
  /// before it is loaded; here it is loaded already, and starts once more. A user's own choice stays.
  private static func chooseKernels() {
    #if os(Linux) && arch(x86_64)
      guard getenv("OPENBLAS_CORETYPE") == nil,
        fallbacks.contains(String(cString: openblas_get_corename())),
        let name = kernelsForThisProcessor(),
        // Present in builds for many processors, and only there.
        let quit = dlsym(nil, "gotoblas_dynamic_quit"),
        let start = dlsym(nil, "gotoblas_dynamic_init")
      else { return }
      typealias Function = @convention(c) () -> Void
      setenv("OPENBLAS_CORETYPE", name, 1)
      unsafeBitCast(quit, to: Function.self)()
      unsafeBitCast(start, to: Function.self)()
      unsetenv("OPENBLAS_CORETYPE")
    #endif
  }

  /// Kernels for processors without AVX.
  private static let fallbacks: Set = ["Prescott", "Core2", "Katmai", "Generic", "generic"]

  private static func kernelsForThisProcessor() -> String? {
    guard let text = try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8),
      let line = text.split(separator: "\n").first(where: { $0.hasPrefix("flags") })
    else { return nil }
    let flags = Set(line.split(separator: " "))
    let avx512: Set<Substring> = ["avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"]
    if avx512.isSubset(of: flags) { return "SkylakeX" }
    if flags.isSuperset(of: ["avx2", "fma"]) { return "Haswell" }
    return nil
  }
}
