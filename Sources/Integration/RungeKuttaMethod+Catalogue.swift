extension RungeKuttaMethod {
  /// A method of this file. A wrong tableau here is a mistake of ours, which the first use has to show.
  private static func own(
    name: String, order: Int, a: [[Double]], b: [Double], c: [Double], embedded: Embedded? = nil,
    interpolant: Interpolant? = nil
  ) -> RungeKuttaMethod {
    do throws(IntegrationError) {
      return try RungeKuttaMethod(
        name: name, order: order, a: a, b: b, c: c, embedded: embedded, interpolant: interpolant)
    } catch {
      preconditionFailure(error.description)
    }
  }

  /// All methods that come with the module, by increasing order.
  package static let all = [
    euler, heun, bogackiShampine32, rungeKutta4, dormandPrince54, tsitouras54,
  ]

  /// Euler's method, order 1, for fixed steps: gradient descent with the step as its learning rate.
  package static let euler = own(
    name: "euler", order: 1, a: [[]], b: [1], c: [0])

  /// Heun's method, order 2, with Euler's embedded.
  package static let heun = own(
    name: "heun", order: 2, a: [[], [1]], b: [1 / 2, 1 / 2], c: [0, 1],
    embedded: Embedded(errorWeights: [-1 / 2, 1 / 2], order: 1))

  /// The classical method of order 4 (Kutta 1901), for fixed steps.
  package static let rungeKutta4 = own(
    name: "runge-kutta-4", order: 4,
    a: [[], [1 / 2], [0, 1 / 2], [0, 0, 1]],
    b: [1 / 6, 1 / 3, 1 / 3, 1 / 6], c: [0, 1 / 2, 1 / 2, 1])

  /// Bogacki and Shampine, *A 3(2) pair of Runge-Kutta formulas*, Applied Mathematics Letters 2 (1989).
  package static let bogackiShampine32 = own(
    name: "bogacki-shampine-3(2)", order: 3,
    a: [[], [1 / 2], [0, 3 / 4], [2 / 9, 1 / 3, 4 / 9]],
    b: [2 / 9, 1 / 3, 4 / 9, 0], c: [0, 1 / 2, 3 / 4, 1],
    embedded: Embedded(errorWeights: [-5 / 72, 1 / 12, 1 / 9, -1 / 8], order: 2))

  /// Dormand and Prince, *A family of embedded Runge-Kutta formulae*, Journal of Computational and Applied
  /// Mathematics 6 (1980), with the interpolant of order 4 of DOPRI5 (Hairer, Norsett and Wanner, *Solving
  /// Ordinary Differential Equations I*, section II.6): the Hermite polynomial plus a multiple of
  /// theta^2 (1 - theta)^2.
  package static let dormandPrince54: RungeKuttaMethod = {
    let b: [Double] = [35 / 384, 0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84, 0]
    let bumps: [Double] = [
      -12_715_105_075 / 11_282_082_432, 0, 87_487_479_700 / 32_700_410_799,
      -10_690_763_975 / 1_880_347_072, 701_980_252_875 / 199_316_789_632,
      -1_453_857_185 / 822_651_844, 69_997_945 / 29_380_423,
    ]
    let rows = zip(hermite(b: b, hasEndStage: true), bumps).map { row, bump in
      zip(row + [0], [0, bump, -2 * bump, bump]).map(+)
    }
    return own(
      name: "dormand-prince-5(4)", order: 5,
      a: [
        [],
        [1 / 5],
        [3 / 40, 9 / 40],
        [44 / 45, -56 / 15, 32 / 9],
        [19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729],
        [9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656],
        [35 / 384, 0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84],
      ],
      b: b, c: [0, 1 / 5, 3 / 10, 4 / 5, 8 / 9, 1, 1],
      embedded: Embedded(
        errorWeights: [
          71 / 57600, 0, -71 / 16695, 71 / 1920, -17253 / 339_200, 22 / 525, -1 / 40,
        ], order: 4),
      interpolant: Interpolant(coefficients: rows, order: 4))
  }()

  /// Tsitouras, *Runge-Kutta pairs of order 5(4) satisfying only the first column simplifying assumption*,
  /// Computers and Mathematics with Applications 62 (2011), with its interpolant of order 4.
  package static let tsitouras54 = own(
    name: "tsitouras-5(4)", order: 5,
    a: [
      [],
      [0.161],
      [-0.008480655492356989, 0.335480655492357],
      [2.8971530571054935, -6.359448489975075, 4.3622954328695815],
      [5.325864828439257, -11.748883564062828, 7.4955393428898365, -0.09249506636175525],
      [
        5.86145544294642, -12.92096931784711, 8.159367898576159, -0.071584973281401,
        -0.028269050394068383,
      ],
      [
        0.09646076681806523, 0.01, 0.4798896504144996, 1.379008574103742, -3.290069515436081,
        2.324710524099774,
      ],
    ],
    b: [
      0.09646076681806523, 0.01, 0.4798896504144996, 1.379008574103742, -3.290069515436081,
      2.324710524099774, 0,
    ],
    c: [0, 0.161, 0.327, 0.9, 0.9800255409045097, 1, 1],
    embedded: Embedded(
      errorWeights: [
        -0.00178001105222577714, -0.0008164344596567469, 0.007880878010261995,
        -0.1447110071732629, 0.5823571654525552, -0.45808210592918697, 0.015151515151515152,
      ], order: 4),
    interpolant: Interpolant(
      coefficients: [
        [1, -2.763706197274826, 2.9132554618219126, -1.0530884977290216],
        [0, 0.13169999999999998, -0.2234, 0.1017],
        [0, 3.9302962368947516, -5.941033872131505, 2.490627285651253],
        [0, -12.411077166933676, 30.33818863028232, -16.548102889244902],
        [0, 37.50931341651104, -88.1789048947664, 47.37952196281928],
        [0, -27.896526289197286, 65.09189467479366, -34.87065786149661],
        [0, 1.5, -4, 2.5],
      ], order: 4))
}
