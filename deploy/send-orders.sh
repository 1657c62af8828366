#!/bin/sh
# Sends orders to a service that may be stopped meanwhile, waits until each has ended, and fails if one was lost or did
# not complete. It needs nothing but a shell and curl.
#
#   TOKEN=… sh deploy/send-orders.sh URL [COUNT]
#
# TOKEN is left out where the service is open.
set -eu

url=${1%/}
count=${2:-100}
order=$(cat "$(dirname "$0")/../orders/example.json")

# What is left open after this long is called lost, in seconds.
patience=900

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# In a file, as other people's lists of processes show arguments.
printf '%s\n' 'content-type: application/json' > "$work/headers"
if [ -n "${TOKEN:-}" ]; then
  printf 'authorization: Bearer %s\n' "$TOKEN" >> "$work/headers"
fi

ask() {
  curl --silent --show-error --max-time 30 --header "@$work/headers" "$@"
}

# Sends the order of this number, as often as it takes, and prints where its status is. Sent again it is the same order.
submit() {
  ask --retry 60 --retry-delay 2 --retry-all-errors --fail --output /dev/null --dump-header - \
    --header "idempotency-key: \"$run-$1\"" --data "$order" "$url/orders" \
    | tr -d '\r' | sed -n 's/^[Ll]ocation: //p' | tail -n 1
}

run=$(date +%s)-$$
number=0
while [ "$number" -lt "$count" ]; do
  number=$((number + 1))
  submit "$number" >> "$work/places"
done
echo "$count orders accepted"

deadline=$(($(date +%s) + patience))
cp "$work/places" "$work/open"
while [ -s "$work/open" ]; do
  if [ "$(date +%s)" -gt "$deadline" ]; then
    echo "error: $(wc -l < "$work/open") of $count orders have not ended after $patience s" >&2
    exit 1
  fi
  : > "$work/still"
  while read -r place; do
    # While the service is being stopped there may be no answer: the order is asked for again.
    status=$(ask --output /dev/null --write-out '%{http_code}' "$url$place" || true)
    [ "$status" = 303 ] || echo "$place" >> "$work/still"
  done < "$work/open"
  mv "$work/still" "$work/open"
  [ ! -s "$work/open" ] || sleep 2
done

completed=0
while read -r place; do
  status=$(ask --retry 20 --retry-delay 2 --retry-all-errors --location --output /dev/null \
    --write-out '%{http_code}' "$url$place")
  if [ "$status" = 200 ]; then
    completed=$((completed + 1))
  else
    echo "error: $place ended with $status" >&2
  fi
done < "$work/places"

number=0
while read -r place; do
  number=$((number + 1))
  again=$(submit "$number")
  if [ "$again" != "$place" ]; then
    echo "error: the key of $place now makes $again" >&2
    exit 1
  fi
done < "$work/places"

echo "$completed of $count orders completed, each once"
[ "$completed" -eq "$count" ]
