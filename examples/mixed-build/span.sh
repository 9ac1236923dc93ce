#!/bin/sh
# span.sh NAME CMD ARG...: runs CMD and records where it began and where it ended. Lines that many processes append to
# one file stand in it in the order in which they were written, so this needs no clock.
name=$1
shift
echo "  $name"
echo "begin $name" >>"$SPANS"
"$@"
status=$?
echo "end $name" >>"$SPANS"
exit $status
