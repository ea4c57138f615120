import { isObject } from "../../formats/json_object.ts";

/** A configuration as a log has it: nested, under dotted names, or both. */
export type Settings = Record<string, unknown>;

/**
 * A setting by its dotted name; undefined if the configuration has none of that name, or there is no
 * configuration. A section is an object of its settings, by the rest of their dotted names.
 */
export function settingOf(config: Settings | undefined, name: string): unknown {
  if (config === undefined) return undefined;
  const flat = flattened(config);
  if (flat.has(name)) return flat.get(name);
  const section: Settings = {};
  for (const [key, value] of flat) {
    if (key.startsWith(`${name}.`)) section[key.slice(name.length + 1)] = value;
  }
  return Object.keys(section).length === 0 ? undefined : section;
}

const FLATTENED = new WeakMap<Settings, ReadonlyMap<string, unknown>>();

/** All settings by their dotted names, which are put together once for each configuration. */
function flattened(config: Settings): ReadonlyMap<string, unknown> {
  let flat = FLATTENED.get(config);
  if (flat === undefined) {
    const found = new Map<string, unknown>();
    const add = (section: Settings, start: string) => {
      for (const [key, value] of Object.entries(section)) {
        if (isObject(value) && Object.keys(value).length > 0) add(value, `${start}${key}.`);
        else found.set(start + key, value);
      }
    };
    add(config, "");
    FLATTENED.set(config, flat = found);
  }
  return flat;
}

/** A setting as yes or no, also as a text writes it; undefined if it is neither. */
export function isOn(value: unknown): boolean | undefined {
  if (typeof value === "boolean") return value;
  if (typeof value !== "string") return undefined;
  if (/^(?:true|yes|on|enable|enabled)$/i.test(value)) return true;
  return /^(?:false|no|off|disable|disabled)$/i.test(value) ? false : undefined;
}

/** A setting as a number, also as a text writes it; undefined if it is none. */
export function numberOf(value: unknown): number | undefined {
  const found = typeof value === "string" && value.trim() !== "" ? Number(value) : value;
  return typeof found === "number" && Number.isFinite(found) ? found : undefined;
}
