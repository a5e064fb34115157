/* PolyReLU from C.
 *
 * Conventions
 *
 * - Every function that can fail returns a status (POLYRELU_OK and so on) and takes a polyrelu_error, which may be
 *   NULL. Where the status is not POLYRELU_OK the error holds one line of UTF-8 text, and outputs are untouched.
 * - Handles (model, data, job, result) are opaque. Who gets one frees it with the function of its kind, once. NULL may
 *   be freed. Models and data do not change after they are made: any number of threads may use them at the same time,
 *   and they may be freed while a job that was started with them still runs.
 * - A polyrelu_array borrows memory: what is handed in is read during the call and never kept or written; what a result
 *   hands out stays valid until that result is freed. Strides are in bytes and may be anything. Where they are those of
 *   a contiguous row-major array the memory is read in one piece.
 * - Options are a JSON object with the names that are listed at each function, or NULL for none. An unknown name is an
 *   error. The documents of results name their members as the command's JSON does.
 * - Texts are UTF-8 and end with a zero byte.
 * - Work of any length is a job, on a thread of its own. See polyrelu_job_wait.
 * - A process that was forked after the first job cannot run jobs: they end with POLYRELU_FAILED. Start workers before
 *   that, or without fork.
 */
#ifndef POLYRELU_H
#define POLYRELU_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Changes where a program that was compiled before would misread a structure or a function. */
#define POLYRELU_ABI 1

/* Statuses. */
enum {
  POLYRELU_OK = 0,
  POLYRELU_BAD_INPUT = 1, /* what was handed in cannot be used */
  POLYRELU_FAILED = 2,    /* the computation failed */
  POLYRELU_CANCELLED = 3  /* polyrelu_job_cancel, or a callback asked for the end */
};

/* Types of numbers. */
enum { POLYRELU_FLOAT32 = 1, POLYRELU_FLOAT64 = 2, POLYRELU_INT64 = 3 };

typedef struct polyrelu_model polyrelu_model;
typedef struct polyrelu_data polyrelu_data;
typedef struct polyrelu_job polyrelu_job;
typedef struct polyrelu_result polyrelu_result;

typedef struct {
  int32_t status;
  char message[1020];
} polyrelu_error;

typedef struct {
  void *data;
  int32_t type;
  int32_t rank;       /* 0 to 8 */
  int64_t shape[8];   /* extents, outermost first */
  int64_t strides[8]; /* bytes from one index to the next */
} polyrelu_array;

/* POLYRELU_ABI of the library. A program goes on only where it is the one it was compiled with. */
int32_t polyrelu_abi(void);

/* The version of the library, such as "0.2.0". Not to be freed. */
const char *polyrelu_version(void);

/* How many threads all work together may use; 0 for all processors of this process. Never changes a result. */
void polyrelu_set_threads(int32_t threads);

/* How messages spell the names of settings: 0 with hyphens (init-scale), 1 with underscores (init_scale). */
void polyrelu_set_spelling(int32_t spelling);

/* Where the files that come with the library (the digits) are, in a folder PolyReLU_Datasets.resources; by default where
 * the library was built. */
void polyrelu_set_files(const char *folder);

/* ---- Data ---- */

/* Labelled samples.
 *
 * x       (n, ...), float32 or float64, finite.
 * y       (n) labels, int64; NULL for samples without labels.
 * groups  (n) subclasses, int64, each within one class; or NULL.
 * low, high  the range of valid values: one number each, or one a channel or coordinate; or NULL both.
 * options name (text that errors call the data), names (list of texts: label k stands for the k-th of them),
 *         layout ("nchw" or "nhwc", how images with channels lie in a sample), class_count (labels are 0 to class_count - 1,
 *         whether all of them occur or not).
 */
int32_t polyrelu_data_create(const polyrelu_array *x, const polyrelu_array *y, const polyrelu_array *groups,
                             const polyrelu_array *low, const polyrelu_array *high, const char *options,
                             polyrelu_data **data, polyrelu_error *error);

/* Data by name, or from a file, as the command's --data.
 *
 * options data (required), split, labels, seed, dimension, subclasses, positive, alpha, samples, rotation.
 */
int32_t polyrelu_data_load(const char *options, polyrelu_data **data, polyrelu_error *error);

/* What data hold.
 *
 * arrays x (n, D) float32, y (n) class numbers, group (n), centers (K, D), group_labels (K); the last three where there
 *        are subclasses.
 * json   name, classes (their values), shape (extents of a sample), box ([low, high] or null).
 */
int32_t polyrelu_data_contents(const polyrelu_data *data, polyrelu_result **contents, polyrelu_error *error);

void polyrelu_data_free(polyrelu_data *data);

/* ---- Models ---- */

/* A network from a file or run directory: whatever the command's --model reads.
 *
 * options p, normalize_input, classes (list of integers or texts), activation, input_shape (list of integers).
 */
int32_t polyrelu_model_open(const char *path, const char *options, polyrelu_model **model, polyrelu_error *error);

/* A network of one hidden layer from its weights, f(x) = V h(x - center) + bias.
 *
 * hidden_weights (h, D); with hidden biases (h, D + 1), the biases last. output_weights (outputs, h). output_bias
 * (outputs) and center (D) may be NULL.
 * options p (required), normalize_input, hidden_bias, classes.
 */
int32_t polyrelu_model_shallow(const polyrelu_array *hidden_weights, const polyrelu_array *output_weights,
                               const polyrelu_array *output_bias, const polyrelu_array *center, const char *options,
                               polyrelu_model **model, polyrelu_error *error);

/* Fully connected layers one after the other, x -> W x + b, with a function between them.
 *
 * weights count arrays (out, in), biases count arrays (out), or NULL entries for none.
 * options activation (required where count > 1: identity, relu, tanh or logistic), classes.
 */
int32_t polyrelu_model_dense(int32_t count, const polyrelu_array *const *weights, const polyrelu_array *const *biases,
                             const char *options, polyrelu_model **model, polyrelu_error *error);

/* A classifier that somebody else computes, for attacks only: see polyrelu_request.
 *
 * One output means two classes, class 1 where it is positive; several are logits.
 * options dimension (numbers of a sample, required), outputs (required), double (true: also computes in float64),
 *         shape (extents of a sample, [channels, rows, columns] for images), classes.
 */
int32_t polyrelu_model_functions(const char *options, polyrelu_model **model, polyrelu_error *error);

/* What a model is.
 *
 * json   kind ("shallow", "deep", "layers" or "functions"), dimension, outputs, classes (their values, or null where
 *        nobody says them), classCount; of shallow ones p, normalizeInput, hiddenBias.
 * arrays of shallow ones hidden_weights, output_weights, and output_bias, center where there are any.
 */
int32_t polyrelu_model_contents(const polyrelu_model *model, polyrelu_result **contents, polyrelu_error *error);

/* Writes a model file, whole or not at all; the ending of the name says the format (safetensors, npz, onnx). */
int32_t polyrelu_model_write(const polyrelu_model *model, const char *path, polyrelu_error *error);

void polyrelu_model_free(polyrelu_model *model);

/* ---- Results ---- */

/* The JSON document of a result. */
const char *polyrelu_result_json(const polyrelu_result *result);

/* An array of a result; POLYRELU_BAD_INPUT where it has none of that name. */
int32_t polyrelu_result_array(const polyrelu_result *result, const char *name, polyrelu_array *array);

void polyrelu_result_free(polyrelu_result *result);

/* ---- Jobs ---- */

/* What a job asks of whoever started it. */
enum {
  POLYRELU_NOTHING = 0, /* it works; the time to wait is over */
  POLYRELU_DONE = 1,    /* it has ended: polyrelu_job_result */
  POLYRELU_LOGITS = 2,  /* write the logits of inputs to output */
  POLYRELU_FORWARD = 3, /* the same, and POLYRELU_BACKWARD of the same inputs follows */
  POLYRELU_BACKWARD = 4 /* write to output, for each sample, the gradient with respect to it of the sum of its logits
                           weighted by cotangent */
};

/* count samples: inputs (count, dimension), cotangent (count, outputs), output (count, outputs) or (count, dimension),
 * contiguous, of the given type. The memory is the library's, and valid until the request is answered. */
typedef struct {
  int32_t kind;
  int32_t type;
  int64_t count;
  const void *inputs;
  const void *cotangent;
  void *output;
  double fraction; /* the share of the job that is done, 0 to 1 */
} polyrelu_request;

/* Attacks a model on data: the smallest perturbation of every sample that changes its class.
 *
 * reference  samples that tell where other classes lie, such as training data; NULL for the data themselves.
 * targets    (n) the class that each sample is to be predicted as, int64 like the labels; NULL for any but the label.
 * options    norm (l2, linf, l1), attack, epsilon (list of radii), steps, restarts, seed, checked (false: no reliability
 *            checks), reduction (false: attack the network itself), box (false: without the range of the data),
 *            input_mean, input_std (lists: what the network expects inputs standardised by).
 *
 * json   norm, attack, reliable, flags, cleanAccuracy, medianRadius, unconfirmed, usedDoublePrecision, classes, attackNames,
 *        seconds.
 * arrays radii (n) float64, perturbations (n, D), predictions (n) and labels (n) class numbers, statuses (n) (0
 *        misclassified, 1 attacked, 2 survived, 3 excluded), attacks (n) (positions in attackNames, -1 for
 *        none), gradient_passes (n), forward_passes (n), epsilon (k), robust_accuracy (k).
 */
int32_t polyrelu_attack(const polyrelu_model *model, const polyrelu_data *data, const polyrelu_data *reference,
                        const polyrelu_array *targets, const char *options, polyrelu_job **job,
                        polyrelu_error *error);

/* Proves radii: no smaller perturbation changes the class.
 *
 * options norm, box (true: perturbed samples stay in the range of the data), seconds (for one sample), nodes, gap,
 *         attack (false: run none first), seed, certificates (a directory to keep the proofs in), resume, input_mean,
 *         input_std.
 *
 * json   norm, medianGap, contradictions (lines; anything in it is an error of the library), classes.
 * arrays lower (n), upper (n) float64, statuses (n) (0 exact, 1 unreachable, 2 bounded, 3 misclassified, 4
 *        contradictory), nodes (n), seconds (n), perturbations (n, D) float64, zero where none is known.
 */
int32_t polyrelu_certify(const polyrelu_model *model, const polyrelu_data *data, const polyrelu_data *reference,
                         const char *options, polyrelu_job **job, polyrelu_error *error);

/* Verifies the proofs in a directory that polyrelu_certify has written.
 *
 * options certificates (required), norm, box, input_mean, input_std.
 * arrays  radii (n): what they prove, 0 for misclassified samples.
 */
int32_t polyrelu_verify(const polyrelu_model *model, const polyrelu_data *data, const char *options,
                        polyrelu_job **job, polyrelu_error *error);

/* Logits and classes.
 *
 * arrays logits (n, outputs) float32, predictions (n) class numbers.
 */
int32_t polyrelu_predict(const polyrelu_model *model, const polyrelu_data *data, polyrelu_job **job,
                         polyrelu_error *error);

/* Trains a network of one hidden layer by steps. Start with model where it is not NULL (a shallow one), and with random
 * weights otherwise.
 *
 * options p, hidden_width, init_scale (a number, or "kaiming"), bias, center, normalize_input, hidden_bias, constant_output, loss
 *         (exponential, logistic, squared, cross-entropy), optimizer (sgd, adam), learning_rate, momentum, nesterov,
 *         weight_decay, epochs, batch_size, seed, thinning (false: every neuron in every step), freeze_output.
 *
 * json   epochs: list of {loss, accuracy}; warning (text or null). The model: polyrelu_result_model.
 */
int32_t polyrelu_train(const polyrelu_data *data, const polyrelu_model *model, const char *options, polyrelu_job **job,
                       polyrelu_error *error);

/* Integrates gradient flow of the full-batch loss.
 *
 * options p, hidden_width, init_scale, bias, center, normalize_input, hidden_bias, constant_output, loss, seed, time, stop_loss,
 *         tolerance, integrator, precision, record_at (list of times), freeze_output.
 *
 * json   records: list of what metrics.csv has; directions (names), ending, phases, warnings, brokenDown.
 * arrays times (t), log_contributions (t, h), cosines (t, h, directions). The model: polyrelu_result_model.
 */
int32_t polyrelu_flow(const polyrelu_data *data, const char *options, polyrelu_job **job, polyrelu_error *error);

/* Where the neurons of a shallow network point.
 *
 * json   effectiveNeurons, numericalRank, totalContribution, medianBestCosine, medianBestClassCosine, accuracy (the last
 *        three absent without data), directions (names).
 * arrays neurons, contributions (h), and with data cosines (neurons, directions).
 */
int32_t polyrelu_alignment(const polyrelu_model *model, const polyrelu_data *data, polyrelu_job **job,
                           polyrelu_error *error);

/* Runs an experiment, as the command `polyrelu reproduce` does, with the same files. One that is cancelled keeps what
 * was done, for resume.
 *
 * options name (required), out (required, a directory), preset (quick, laptop, paper), seed, data, repeats, settings (list
 *         of texts KEY=VALUE), resume.
 *
 * json   directory, report (the path of report.html), flags (reasons not to trust a number).
 */
int32_t polyrelu_experiment(const char *options, polyrelu_job **job, polyrelu_error *error);

/* Waits until the job has ended or asks for something, at most so many seconds. Call it from one thread at a time.
 * What it asks for (LOGITS, FORWARD, BACKWARD) is answered by polyrelu_job_answer before it is asked again. */
int32_t polyrelu_job_wait(polyrelu_job *job, double seconds, polyrelu_request *request);

/* Answers a request: status 0 for done, anything else cancels the job. */
void polyrelu_job_answer(polyrelu_job *job, int32_t status);

/* Asks the job to end soon; from any thread. */
void polyrelu_job_cancel(polyrelu_job *job);

/* What a job that is done has found. */
int32_t polyrelu_job_result(polyrelu_job *job, polyrelu_result **result, polyrelu_error *error);

/* The network that a job has trained, as a new handle; POLYRELU_BAD_INPUT where there is none. */
int32_t polyrelu_result_model(const polyrelu_result *result, polyrelu_model **model, polyrelu_error *error);

/* Frees a job, also one that has not ended: it is cancelled then, and ends on its own. */
void polyrelu_job_free(polyrelu_job *job);

/* Callbacks of polyrelu_job_run; each returns 0 to go on, anything else cancels the job. All are called on the thread
 * that polyrelu_job_run is called on. */
typedef struct {
  void *context;
  /* inputs (count, dimension) to logits (count, outputs), of the type. NULL for models that need none. */
  int32_t (*logits)(void *context, int32_t type, int64_t count, const void *inputs, void *logits);
  /* The gradient (count, dimension) of the logits' sum weighted by cotangent (count, outputs). */
  int32_t (*vjp)(void *context, int32_t type, int64_t count, const void *inputs, const void *cotangent,
                 void *gradient);
  /* Now and then, with the share that is done; may be NULL. */
  int32_t (*progress)(void *context, double fraction);
} polyrelu_callbacks;

/* Waits for a job and answers its requests by callbacks; NULL for a job that asks nothing. */
int32_t polyrelu_job_run(polyrelu_job *job, const polyrelu_callbacks *callbacks, polyrelu_result **result,
                         polyrelu_error *error);

/* The l2 distance to the boundary of the classifier F^(p) of orthonormal subclasses, see CriticalRadius: p at least 1,
 * opposite subclasses of the other class at least 1. NaN for other arguments. */
double polyrelu_critical_radius(double p, int64_t opposite);

/* The same for what a plain ReLU network learns from at least 2 subclasses. NaN for fewer. */
double polyrelu_critical_radius_relu(int64_t subclasses);

#ifdef __cplusplus
}
#endif

#endif
