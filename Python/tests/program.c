/* Uses polyrelu.h as a program in C would: a linear classifier, whose distances to the boundary are known. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "polyrelu.h"

#define REQUIRE(condition)                                                       \
  do {                                                                           \
    if (!(condition)) {                                                          \
      fprintf(stderr, "line %d: %s; %s\n", __LINE__, #condition, error.message); \
      exit(1);                                                                   \
    }                                                                            \
  } while (0)

static const double weights[2] = {3, 4};
static polyrelu_error error;

struct counts {
  int logits, vjp, limit;
};

static int32_t logits(void *context, int32_t type, int64_t count, const void *inputs, void *output) {
  struct counts *counts = context;
  for (int64_t i = 0; i < count; i++) {
    if (type == POLYRELU_FLOAT64) {
      const double *x = (const double *)inputs + 2 * i;
      ((double *)output)[i] = weights[0] * x[0] + weights[1] * x[1];
    } else {
      const float *x = (const float *)inputs + 2 * i;
      ((float *)output)[i] = (float)(weights[0] * x[0] + weights[1] * x[1]);
    }
  }
  counts->logits++;
  return counts->limit > 0 && counts->logits >= counts->limit;
}

static int32_t vjp(void *context, int32_t type, int64_t count, const void *inputs, const void *cotangent,
                   void *gradient) {
  (void)inputs;
  for (int64_t i = 0; i < 2 * count; i++) {
    if (type == POLYRELU_FLOAT64)
      ((double *)gradient)[i] = ((const double *)cotangent)[i / 2] * weights[i % 2];
    else
      ((float *)gradient)[i] = (float)(((const float *)cotangent)[i / 2] * weights[i % 2]);
  }
  ((struct counts *)context)->vjp++;
  return 0;
}

static polyrelu_array array(void *data, int32_t type, int32_t rank, int64_t rows, int64_t columns) {
  int64_t size = type == POLYRELU_FLOAT32 ? 4 : 8;
  polyrelu_array result = {.data = data, .type = type, .rank = rank, .shape = {rows, columns}};
  result.strides[0] = rank == 2 ? columns * size : size;
  result.strides[1] = size;
  return result;
}

int main(void) {
  REQUIRE(polyrelu_abi() == POLYRELU_ABI);
  REQUIRE(strlen(polyrelu_version()) > 0);

  double x[8] = {1, 0, 0, -1, 2, 1, -3, 0}, distances[4] = {0.6, 0.8, 2, 1.8};
  int64_t y[4] = {1, 0, 1, 0};
  polyrelu_array samples = array(x, POLYRELU_FLOAT64, 2, 4, 2), labels = array(y, POLYRELU_INT64, 1, 4, 1);
  polyrelu_data *data = NULL;
  REQUIRE(polyrelu_data_create(&samples, &labels, NULL, NULL, NULL, NULL, &data, &error) == POLYRELU_OK);

  /* Errors are values, with one line. */
  polyrelu_model *model = NULL;
  REQUIRE(polyrelu_model_functions("{\"dimension\": 2}", &model, &error) == POLYRELU_BAD_INPUT);
  REQUIRE(strstr(error.message, "outputs") && !strchr(error.message, '\n') && model == NULL);
  REQUIRE(polyrelu_model_open("no such file", NULL, &model, &error) == POLYRELU_BAD_INPUT);
  REQUIRE(polyrelu_model_functions("{\"dimension\": 2, \"outputs\": 1, \"double\": true}", &model, &error) ==
          POLYRELU_OK);

  struct counts counts = {0, 0, 0};
  polyrelu_callbacks callbacks = {.context = &counts, .logits = logits, .vjp = vjp};
  polyrelu_job *job = NULL;
  polyrelu_result *result = NULL;
  REQUIRE(polyrelu_attack(model, data, NULL, NULL, "{\"norm\": \"l3\"}", &job, &error) == POLYRELU_BAD_INPUT);
  REQUIRE(polyrelu_attack(model, data, NULL, NULL, "{\"norm\": \"l2\"}", &job, &error) == POLYRELU_OK);
  REQUIRE(polyrelu_job_run(job, &callbacks, &result, &error) == POLYRELU_OK);
  polyrelu_array radii;
  REQUIRE(polyrelu_result_array(result, "radii", &radii) == POLYRELU_OK);
  REQUIRE(polyrelu_result_array(result, "nothing", &radii) == POLYRELU_BAD_INPUT);
  REQUIRE(radii.type == POLYRELU_FLOAT64 && radii.rank == 1 && radii.shape[0] == 4 && radii.strides[0] == 8);
  for (int i = 0; i < 4; i++) REQUIRE(fabs(((double *)radii.data)[i] / distances[i] - 1) < 1e-5);
  REQUIRE(strstr(polyrelu_result_json(result), "\"reliable\" : true"));
  REQUIRE(counts.logits > 0 && counts.vjp > 0);
  polyrelu_result_free(result);
  polyrelu_job_free(job);

  /* A callback that returns something else than 0 ends the job. */
  counts = (struct counts){0, 0, 3};
  REQUIRE(polyrelu_attack(model, data, NULL, NULL, NULL, &job, &error) == POLYRELU_OK);
  REQUIRE(polyrelu_job_run(job, &callbacks, &result, &error) == POLYRELU_CANCELLED);
  REQUIRE(counts.logits == 3);
  polyrelu_job_free(job);
  /* A job may be freed before it has ended. */
  REQUIRE(polyrelu_attack(model, data, NULL, NULL, NULL, &job, &error) == POLYRELU_OK);
  polyrelu_job_free(job);
  REQUIRE(polyrelu_certify(model, data, NULL, NULL, &job, &error) == POLYRELU_BAD_INPUT);
  polyrelu_model_free(model);

  /* The same classifier by its weights; samples with other strides. */
  double w[2] = {3, 4}, wide[16];
  for (int i = 0; i < 8; i++) wide[2 * i] = x[i];
  polyrelu_array layer = array(w, POLYRELU_FLOAT64, 2, 1, 2);
  const polyrelu_array *layers[1] = {&layer}, *biases[1] = {NULL};
  REQUIRE(polyrelu_model_dense(1, layers, biases, NULL, &model, &error) == POLYRELU_OK);
  samples.data = wide;
  samples.strides[0] = 32, samples.strides[1] = 16;
  polyrelu_data *strided = NULL;
  REQUIRE(polyrelu_data_create(&samples, &labels, NULL, NULL, NULL, NULL, &strided, &error) == POLYRELU_OK);
  REQUIRE(polyrelu_certify(model, strided, NULL, "{\"norm\": \"l2\"}", &job, &error) == POLYRELU_OK);
  REQUIRE(polyrelu_job_run(job, NULL, &result, &error) == POLYRELU_OK);
  polyrelu_array lower, upper;
  REQUIRE(polyrelu_result_array(result, "lower", &lower) == POLYRELU_OK);
  REQUIRE(polyrelu_result_array(result, "upper", &upper) == POLYRELU_OK);
  for (int i = 0; i < 4; i++) {
    double low = ((double *)lower.data)[i], high = ((double *)upper.data)[i];
    REQUIRE(low <= distances[i] * (1 + 1e-6) && distances[i] <= high * (1 + 1e-6) && low > 0.99 * distances[i]);
  }
  polyrelu_result_free(result);
  polyrelu_job_free(job);
  polyrelu_model_free(model);

  /* Training, and what it makes. */
  REQUIRE(polyrelu_train(strided, NULL, "{\"p\": 2, \"hidden_width\": 8, \"epochs\": 50}", &job, &error) == POLYRELU_OK);
  REQUIRE(polyrelu_job_run(job, NULL, &result, &error) == POLYRELU_OK);
  REQUIRE(polyrelu_result_model(result, &model, &error) == POLYRELU_OK);
  polyrelu_result *contents = NULL;
  polyrelu_array hidden;
  REQUIRE(polyrelu_model_contents(model, &contents, &error) == POLYRELU_OK);
  REQUIRE(polyrelu_result_array(contents, "hidden_weights", &hidden) == POLYRELU_OK);
  REQUIRE(hidden.shape[0] == 8 && hidden.shape[1] == 2 && hidden.type == POLYRELU_FLOAT32);
  polyrelu_result_free(contents);
  polyrelu_result_free(result);
  polyrelu_job_free(job);
  polyrelu_model_free(model);
  polyrelu_data_free(data);
  polyrelu_data_free(strided);
  polyrelu_model_free(NULL);
  printf("attack, cancellation, network, certificates, training: done\n");
  return 0;
}
