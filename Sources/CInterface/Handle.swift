import CPolyReLU
import LinearCore
import Runs

/// Objects behind the opaque pointers of the C interface.
///
/// A pointer holds one reference, which ``free(_:)`` gives up.
enum Handle {
  /// A new pointer to an object.
  static func make(_ object: AnyObject) -> OpaquePointer {
    OpaquePointer(Unmanaged.passRetained(object).toOpaque())
  }

  /// The object behind a pointer.
  /// - Throws: ``ExperimentError/usage(_:)`` for NULL, and for a pointer to something else.
  static func object<Object: AnyObject>(
    _ pointer: OpaquePointer?, _: Object.Type = Object.self, _ name: String
  ) throws(ExperimentError) -> Object {
    guard let pointer else { throw .usage("\(name) is NULL") }
    let object = Unmanaged<AnyObject>.fromOpaque(UnsafeRawPointer(pointer)).takeUnretainedValue()
    guard let object = object as? Object else {
      throw .usage("\(name) is a handle of another kind")
    }
    return object
  }

  static func free(_ pointer: OpaquePointer?) {
    guard let pointer else { return }
    Unmanaged<AnyObject>.fromOpaque(UnsafeRawPointer(pointer)).release()
  }
}

/// What the C functions hand in and out.
typealias HandleOutput = UnsafeMutablePointer<OpaquePointer?>
typealias ErrorOutput = UnsafeMutablePointer<polyrelu_error>
typealias ArrayInput = UnsafePointer<polyrelu_array>
typealias TextInput = UnsafePointer<CChar>
