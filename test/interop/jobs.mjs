import { caffeJobs } from "./jobs/caffe.mjs";
import { clusterJobs } from "./jobs/cluster.mjs";
import { commandJobs } from "./jobs/command.mjs";
import { defaultsJobs } from "./jobs/defaults.mjs";
import { differentialJobs } from "./jobs/differential.mjs";
import { enginesJobs } from "./jobs/engines.mjs";
import { kerasJobs } from "./jobs/keras.mjs";
import { matconvnetJobs } from "./jobs/matconvnet.mjs";
import { numpyJobs } from "./jobs/numpy.mjs";
import { onnxJobs } from "./jobs/onnx.mjs";
import { packageJobs } from "./jobs/package.mjs";
import { paddleJobs } from "./jobs/paddle.mjs";
import { picturesJobs } from "./jobs/pictures.mjs";
import { s3Jobs } from "./jobs/s3.mjs";
import { statsJobs } from "./jobs/stats.mjs";
import { tensorflowJobs } from "./jobs/tensorflow.mjs";
import { tfjsJobs } from "./jobs/tfjs.mjs";
import { torchJobs } from "./jobs/torch.mjs";
import { trainedJobs } from "./jobs/trained.mjs";
import { webgpuJobs } from "./jobs/webgpu.mjs";

/**
 * One row a job: its name, the environment it needs (none where there is no `environment`), `needs`: "golden" where it reads ../shared/golden, the name of a program where one of Debian's packages runs, and what it does with
 * `vggtool` (the built command), `python` or `node` (a check of this folder), `out` (an empty folder) and `golden`. It fails by
 * throwing, and may answer with a sentence. One file of `jobs/` for each framework; all of one environment share a process.
 */
export const jobs = [
  ...tensorflowJobs,
  ...torchJobs,
  ...paddleJobs,
  ...numpyJobs,
  ...matconvnetJobs,
  ...onnxJobs,
  ...kerasJobs,
  ...caffeJobs,
  ...tfjsJobs,
  ...statsJobs,
  ...trainedJobs,
  ...enginesJobs,
  ...webgpuJobs,
  ...picturesJobs,
  ...packageJobs,
  ...commandJobs,
  ...defaultsJobs,
  ...differentialJobs,
  ...clusterJobs,
  ...s3Jobs,
];
