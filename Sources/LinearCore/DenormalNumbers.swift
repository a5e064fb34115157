#if canImport(Glibc)
  import Glibc
#endif

/// Denormal numbers as zeros.
package enum DenormalNumbers {
  /// Runs `body` on this thread with denormal operands and results taken for zero.
  ///
  /// Arithmetic on denormal numbers (below 1e-38 in single and 1e-308 in double precision) is up to a
  /// hundred times slower, and trained networks are full of them: weight decay and gradients of confident
  /// samples leave numbers behind that are nothing but slow.
  @inline(__always)
  static func flushed<Result>(_ body: () -> Result) -> Result {
    #if canImport(Glibc) && arch(x86_64)
      var environment = fenv_t()
      fegetenv(&environment)
      let before = environment.__mxcsr
      // Flush to zero, and denormals are zeros.
      let after = before | 0x8040
      if after == before { return body() }
      environment.__mxcsr = after
      fesetenv(&environment)
      defer {
        // The flags that arithmetic has raised since then are the caller's.
        fegetenv(&environment)
        environment.__mxcsr = environment.__mxcsr & ~0x8040 | before & 0x8040
        fesetenv(&environment)
      }
    #endif
    return body()
  }

  /// Runs `body` on this thread with arithmetic on denormal numbers as IEEE 754 has it, also inside of
  /// ``Parallel``: for what has to be right at every magnitude.
  package static func kept<Result>(_ body: () -> Result) -> Result {
    #if canImport(Glibc) && arch(x86_64)
      var environment = fenv_t()
      fegetenv(&environment)
      let before = environment.__mxcsr
      if before & 0x8040 == 0 { return body() }
      environment.__mxcsr = before & ~0x8040
      fesetenv(&environment)
      defer {
        fegetenv(&environment)
        environment.__mxcsr = environment.__mxcsr | before & 0x8040
        fesetenv(&environment)
      }
    #endif
    return body()
  }
}
