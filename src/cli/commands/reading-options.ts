import { type Command, Option } from "commander";
import { positive } from "./parse.ts";

/** How a file is to be read that does not say it itself: of every command that recognises a network and reads its values. */
export function withReadingOptions(command: Command): Command {
  return command
    .addOption(
      new Option("--kernels <how>", "convolution kernels as they are, or rotated by 180° (Theano)").choices(["as-stored", "rotated"]),
    )
    .addOption(new Option("--moments <what>", "what MatConvNet's moments hold beside the mean").choices(["sigma", "variance"]))
    .addOption(new Option("--flatten <order>", "how the rows of a dense fc6 are ordered").choices(["chw", "hwc"]))
    .option("--dropout-factor <f>", "what enters fc7 and fc8 is multiplied with this (1: nothing)", positive)
    .option("--bn-epsilon <e>", "epsilon of batch norm, where the file does not say", positive);
}
