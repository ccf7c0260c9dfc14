import type { Scheme } from "./scheme.ts";
import { caffe } from "./schemes/caffe.ts";
import { canonical } from "./schemes/canonical.ts";
import { frossard } from "./schemes/frossard.ts";
import { kerasApplications, kerasCaffe, kerasCounted, kerasVggface } from "./schemes/keras.ts";
import { matconvnet, matconvnetBeta, matconvnetDagnn } from "./schemes/matconvnet.ts";
import { gluon, gluonNamed, mxnetSymbol } from "./schemes/mxnet.ts";
import { npyDict } from "./schemes/npy-dict.ts";
import { darknet, onnxPlain, torch7 } from "./schemes/others.ts";
import {
  paddleClas,
  paddleClas20,
  paddleConvpool,
  paddleFace,
  paddleFluid,
  paddleModels,
  paddleStatic,
  paddleVision,
} from "./schemes/paddle.ts";
import { tfslim, tfslimDense } from "./schemes/tfslim.ts";
import { torchSmall, torchSmallPlain, torchvision, torchvisionOld } from "./schemes/torchvision.ts";

/** Every naming convention, a row each; `vggtool formats` prints this table. */
export const schemes: readonly Scheme[] = [
  canonical,
  tfslim,
  tfslimDense,
  kerasApplications,
  kerasCaffe,
  kerasVggface,
  kerasCounted,
  torchvision,
  torchvisionOld,
  torchSmall,
  torchSmallPlain,
  paddleVision,
  paddleClas,
  paddleClas20,
  paddleModels,
  paddleStatic,
  paddleFluid,
  paddleConvpool,
  paddleFace,
  caffe,
  npyDict,
  frossard,
  matconvnet,
  matconvnetBeta,
  matconvnetDagnn,
  gluon,
  gluonNamed,
  mxnetSymbol,
  darknet,
  torch7,
  onnxPlain,
];

/** The scheme of an id; undefined where there is none. */
export function schemeById(id: string): Scheme | undefined {
  return schemes.find((scheme) => scheme.id === id);
}
