CC = gcc
CFLAGS = -O2 -Wall -Wextra

# Every job of this build runs inside of it, so that the peak can be counted.
SPAN = @sh $(TOP)/span.sh

NAME := $(notdir $(CURDIR))
OUT := $(BUILD)/$(NAME)
$(shell mkdir -p $(OUT))

OBJECTS := $(patsubst %.c,$(OUT)/%.o,$(wildcard *.c))

$(OUT)/%.o: %.c
	$(SPAN) "cc $(NAME)/$<" $(CC) $(CFLAGS) -I$(TOP) -c -o $@ $<
