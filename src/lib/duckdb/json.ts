import {
  type DuckDBArrayType,
  type DuckDBArrayValue,
  type DuckDBBlobValue,
  type DuckDBListType,
  type DuckDBListValue,
  type DuckDBMapType,
  type DuckDBMapValue,
  type DuckDBStructType,
  type DuckDBStructValue,
  type DuckDBTimestampMillisecondsValue,
  type DuckDBTimestampNanosecondsValue,
  type DuckDBTimestampSecondsValue,
  type DuckDBTimestampValue,
  type DuckDBType,
  DuckDBTypeId,
  type DuckDBUnionType,
  type DuckDBUnionValue,
  type DuckDBValue,
} from '@duckdb/node-api';

/** Writes a value as JSON. */
export type WriteJson = (value: DuckDBValue) => string;

/**
 * How values of a type are written as JSON, without loss: numbers with all their digits; instants as RFC 3339 in UTC, days as full-date; a map
 * whose keys are text as an object, others as [{key, value}]; bytes in base64; JSON as it is. What JSON has no number for (NaN, infinity) and
 * every other type is text.
 */
export function jsonWriterFor(type: DuckDBType): WriteJson {
  const write = notNullWriterFor(type);
  return (value) => (value === null ? 'null' : write(value));
}

function notNullWriterFor(type: DuckDBType): WriteJson {
  switch (type.typeId) {
    case DuckDBTypeId.BOOLEAN:
    case DuckDBTypeId.TINYINT:
    case DuckDBTypeId.SMALLINT:
    case DuckDBTypeId.INTEGER:
    case DuckDBTypeId.BIGINT:
    case DuckDBTypeId.HUGEINT:
    case DuckDBTypeId.UTINYINT:
    case DuckDBTypeId.USMALLINT:
    case DuckDBTypeId.UINTEGER:
    case DuckDBTypeId.UBIGINT:
    case DuckDBTypeId.UHUGEINT:
    case DuckDBTypeId.BIGNUM:
    case DuckDBTypeId.DECIMAL:
      return String;
    case DuckDBTypeId.DOUBLE:
      return (value) => number(value as number, String(value));
    case DuckDBTypeId.FLOAT:
      return (value) => number(value as number, shortestFloat(value as number));
    case DuckDBTypeId.VARCHAR:
      // Between JSON's tokens a line break is a blank like any other; on a line of its own it would end ours.
      return type.alias === 'JSON' ? (value) => (value as string).replace(/[\r\n]+/g, ' ') : JSON.stringify;
    case DuckDBTypeId.TIMESTAMP:
    case DuckDBTypeId.TIMESTAMP_TZ:
      return (value) => instant((value as DuckDBTimestampValue).micros, 6, value as DuckDBTimestampValue);
    case DuckDBTypeId.TIMESTAMP_S:
      return (value) => instant((value as DuckDBTimestampSecondsValue).seconds, 0, value as DuckDBTimestampSecondsValue);
    case DuckDBTypeId.TIMESTAMP_MS:
      return (value) => instant((value as DuckDBTimestampMillisecondsValue).millis, 3, value as DuckDBTimestampMillisecondsValue);
    case DuckDBTypeId.TIMESTAMP_NS:
      return (value) => instant((value as DuckDBTimestampNanosecondsValue).nanos, 9, value as DuckDBTimestampNanosecondsValue);
    case DuckDBTypeId.LIST:
    case DuckDBTypeId.ARRAY: {
      const write = jsonWriterFor((type as DuckDBListType | DuckDBArrayType).valueType);
      return (value) => `[${(value as DuckDBListValue | DuckDBArrayValue).items.map(write).join(',')}]`;
    }
    case DuckDBTypeId.STRUCT:
      return structWriterFor(type as DuckDBStructType);
    case DuckDBTypeId.MAP:
      return mapWriterFor(type as DuckDBMapType);
    case DuckDBTypeId.UNION: {
      const { memberTags, memberTypes } = type as DuckDBUnionType;
      const writers = new Map(memberTags.map((tag, i) => [tag, jsonWriterFor(memberTypes[i] as DuckDBType)]));
      return (value) => (writers.get((value as DuckDBUnionValue).tag) ?? textOf)((value as DuckDBUnionValue).value);
    }
    case DuckDBTypeId.BLOB:
      return (value) => `"${Buffer.from((value as DuckDBBlobValue).bytes).toString('base64')}"`;
    default:
      return textOf;
  }
}

function structWriterFor({ entryNames, entryTypes }: DuckDBStructType): WriteJson {
  const writers = entryTypes.map(jsonWriterFor);
  const names = entryNames.map((name) => `${JSON.stringify(name)}:`);
  return (value) => {
    const { entries } = value as DuckDBStructValue;
    return `{${entryNames.map((name, i) => `${names[i]}${writers[i]?.(entries[name] ?? null)}`).join(',')}}`;
  };
}

function mapWriterFor({ keyType, valueType }: DuckDBMapType): WriteJson {
  const writeKey = jsonWriterFor(keyType);
  const writeValue = jsonWriterFor(valueType);
  const isObject = keyType.typeId === DuckDBTypeId.VARCHAR && keyType.alias === undefined;
  return (value) => {
    const entries = (value as DuckDBMapValue).entries.map(({ key, value: held }) =>
      isObject ? `${writeKey(key)}:${writeValue(held)}` : `{"key":${writeKey(key)},"value":${writeValue(held)}}`,
    );
    return isObject ? `{${entries.join(',')}}` : `[${entries.join(',')}]`;
  };
}

function textOf(value: DuckDBValue): string {
  return value === null ? 'null' : JSON.stringify(String(value));
}

function number(value: number, text: string): string {
  return Number.isFinite(value) ? text : `"${text}"`;
}

/** The fewest digits that give a 32-bit float back. */
function shortestFloat(value: number): string {
  for (let digits = 6; digits < 9; digits++) {
    const text = String(Number(value.toPrecision(digits)));
    if (Math.fround(Number(text)) === value) return text;
  }
  return String(Number(value.toPrecision(9)));
}

/** `count` of 10^-`decimals` seconds since 1970, as RFC 3339 without needless zeros; the type's own words for what is beyond its years. */
function instant(count: bigint, decimals: number, value: { toString(): string }): string {
  const unit = 10n ** BigInt(decimals);
  const part = ((count % unit) + unit) % unit;
  const date = new Date(Number((count - part) / unit) * 1000);
  const year = date.getUTCFullYear();
  if (!(year >= 0 && year <= 9999)) return JSON.stringify(value.toString());
  const fraction = part === 0n ? '' : `.${String(part).padStart(decimals, '0').replace(/0+$/, '')}`;
  return `"${date.toISOString().slice(0, 19)}${fraction}Z"`;
}
