import type { Assumption } from "./assumption.ts";
import type { KnownKind } from "./layers/layer-kind.ts";
import type { Network } from "./network/network.ts";
import type { Role } from "./role.ts";
import type { Preprocessing, Slot } from "./scheme.ts";

/** A layer or a part of one that a network has and the file lacks. */
export interface Missing {
  /** conv3_1, fc7, conv2_1.bias, conv4_2.bn.var */
  readonly role: string;
  /** Sentence for people: what says that it belongs there. */
  readonly why: string;
  /** possible: the file may have been cut there on purpose. */
  readonly likelihood: "certain" | "probable" | "possible";
}

/** A VGG in a file. */
export interface Body {
  readonly network: Network;
  /** Keys resolved to the checkpoint's own. */
  readonly roles: ReadonlyMap<Role, Slot>;
  /** The last of VGG's layers that is there: conv4_3, fc8. */
  readonly through: string;
  readonly missing: readonly Missing[];
  /** Keys under the names of its layers that are none of their known parts: the layers are not wholly read. */
  readonly unread: readonly string[];
  /** What all its keys begin with. */
  readonly prefix: string;
  /** Whether the file itself says where its pools are. */
  readonly geometry: "stated" | "assumed";
  /** Id of the scheme whose names and axes fit; absent where only the structure does. */
  readonly scheme?: string;
  readonly confidence: "sure" | "likely";
  /** Sentences for people: why. */
  readonly evidence: readonly string[];
  /** What is not in the file and was taken from the scheme or a rule. */
  readonly assumed: readonly Assumption[];
  /** Epsilon of batch norm and where it is from; absent without batch norm. */
  readonly epsilon?: { readonly value: number; readonly source: "read" | "option" | "assumed" };
  readonly preprocessing?: Preprocessing;
}

/** A layer of the file that is none of a VGG's. */
export interface ForeignLayer {
  readonly path: string;
  readonly kind: KnownKind;
  /** Its keys. */
  readonly tensors: readonly string[];
}

/** The network around a VGG, where its own keys are known. */
export interface Host {
  readonly name: string;
  /** One of the keys that say so. */
  readonly key: string;
}

/** What a checkpoint was recognised as: its first body, and all that is beside it. */
export interface Identity extends Body {
  /** Every VGG of the file, the largest first; itself is the first. */
  readonly bodies: readonly Body[];
  /** None of its layers is missing or unread, and no other layers follow it where its head should be. */
  readonly complete: boolean;
  readonly host?: Host;
  readonly foreign: readonly ForeignLayer[];
  /** Keys of floating tensors that belong to no role: a replaced head, mean_rgb, a user's own. */
  readonly others: readonly string[];
}
