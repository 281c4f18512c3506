#include <stdio.h>

int main(void) {
  printf("Hello from a PC inside a PC.\n");
  return 0;
}
