/**
 * A validator of HTTP Archives, by the JSON schemas of HAR 1.2.
 *
 * @module
 */

import { fail } from "@std/assert";
import Ajv from "ajv";
import draft06 from "ajv/json-schema-draft-06" with { type: "json" };
import schemas from "har-schema";

const validator = new Ajv({ format: "full", meta: draft06, schemas: Object.values(schemas) });

/** Fails with what is wrong when `archive` is no HTTP Archive. */
export function assertHar(archive: unknown): void {
  if (!validator.validate("har.json", archive)) fail(validator.errorsText());
}
