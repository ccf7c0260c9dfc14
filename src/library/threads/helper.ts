import { crc32 } from "../../encodings/checksum/crc32.ts";
import { crc32c } from "../../encodings/checksum/crc32c.ts";
import type { SharedBox } from "../../io/crew/job.ts";
import { serve } from "../../io/crew/serve.ts";
import { copyStrided } from "../../tensor/move/copy.ts";
import type { Strided } from "../../tensor/move/divide-box.ts";
import { turnsBack } from "../../tensor/move/turn-back.ts";

/* What a helper thread runs, bundled into a text (`#assets/helper`). */

const strided = (bytes: Uint8Array, { origin, strides }: SharedBox): Strided => ({ bytes, origin, strides });

serve({
  crc32,
  crc32c,
  copy: (memory, { from, to, shape, itemsize }) => copyStrided(strided(memory, from), strided(memory, to), shape, itemsize),
  prove: (memory, { from, to, shape, itemsize }) => turnsBack(strided(memory, from), strided(memory, to), shape, itemsize),
});
